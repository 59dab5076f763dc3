/** The user service's tables: what it has "sent", and what it has seen. */
export const tables = `
  create table if not exists outbox (
    id serial primary key,
    channel text not null,
    order_id text not null,
    text text not null,
    unique (channel, order_id)
  );
  create table if not exists steps (
    seq serial primary key,
    order_id text not null,
    step text not null,
    received_at double precision not null
  );
  create table if not exists points (order_id text primary key, points integer not null);
  create table if not exists prices (pid integer primary key, price_cents integer not null);
  create table if not exists dead_letters (id serial primary key, order_id text not null, attempts integer not null);
`;
