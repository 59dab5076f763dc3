import { randomBytes } from 'node:crypto';

/** A legal topic, group or broker name nobody else has: `orders_3f9a1c07b2d4`. */
export function unique(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`;
}
