/** The order service's tables, and the products it sells. */
export const tables = `
  create table if not exists products (
    pid integer primary key,
    name text not null,
    price_cents integer not null,
    stock integer not null
  );
  insert into products values (1, 'Mechanical keyboard', 8900, 100000), (2, 'Desk lamp', 3450, 100000)
    on conflict do nothing;
  create table if not exists orders (
    id text primary key,
    pid integer not null references products,
    number integer not null,
    total_cents integer not null,
    customer text not null,
    timeout text,
    status text not null default 'created'
  );
`;
