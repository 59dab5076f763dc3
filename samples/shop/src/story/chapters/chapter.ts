import { HttpError } from '../http.js';
import type { Shop } from '../shop.js';

/** A part of the story. It throws when something that should happen does not. */
export interface Chapter {
  readonly title: string;
  readonly tell: (shop: Shop) => Promise<void>;
}

/** Generous: against a broker with Apache's default delay levels, retries and check-backs take their time. */
export const PATIENCE_MS = 120_000;
/** How many requests the story has under way at once. */
const PARALLEL = 10;

export function expect(what: string, actual: unknown, wanted: unknown): void {
  if (actual !== wanted) throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(wanted)}`);
}

/** @returns what the service answered */
export async function expectRefusal(what: string, status: number, request: Promise<unknown>): Promise<string> {
  const answer = await request.then(
    () => {
      throw new Error(`${what}: it was accepted`);
    },
    (error: unknown) => error,
  );
  if (!(answer instanceof HttpError)) throw answer;
  expect(`status of the answer to ${what}`, answer.status, status);
  return answer.body;
}

/** The request to a service that is killed before it answers. */
export async function expectNoAnswer(request: Promise<unknown>): Promise<void> {
  const answer = await request.then(
    () => new Error('shop-order answered although it should have been killed'),
    (error: unknown) => error,
  );
  if (answer instanceof HttpError || !(answer instanceof TypeError)) throw answer;
}

export async function inParallel<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = new Array(items.length);
  const next = items.entries();
  const worker = async () => {
    for (const [index, item] of next) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
  return results;
}

/** Waits for the notifications about an order. @returns their texts, in the order they were sent */
export async function notificationsOf(shop: Shop, orderId: string, atLeast = 1): Promise<string[]> {
  return shop.eventually(`notification about order ${orderId}`, PATIENCE_MS, async () => {
    const mine = (await shop.rows('notifications')).filter((row) => row.order_id === orderId);
    return mine.length >= atLeast && mine.map(({ text }) => text);
  });
}

export async function pointsOf(shop: Shop, customer: string): Promise<number> {
  return (await shop.rows('customers')).find(({ name }) => name === customer)!.points;
}
