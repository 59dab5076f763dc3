/** The user service's tables, and its customers. Mallory's phone is one that no gateway accepts. */
export const tables = `
  create table if not exists customers (
    name text primary key,
    channel text not null,
    contact text not null,
    points integer not null default 0
  );
  insert into customers values
    ('ada', 'EMAIL', 'ada@example.org'), ('bob', 'SMS', '13800000000'), ('mallory', 'SMS', 'poison')
    on conflict do nothing;
  create table if not exists notifications (
    id serial primary key,
    order_id text not null,
    text text not null,
    unique (order_id, text)
  );
  create table if not exists dead_letters (id serial primary key, order_id text, reason text);
  create table if not exists order_steps (id serial primary key, order_id text not null, step text not null);
  create table if not exists views (id serial primary key, batch integer not null, pid integer not null, times integer not null);
`;
