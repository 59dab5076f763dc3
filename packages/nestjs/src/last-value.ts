import { isObservable, lastValueFrom } from 'rxjs';

export const isPromise = (value: unknown): value is PromiseLike<unknown> =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';

/** What a handler or a filter came to: of a stream, a promise of its last value, none for an empty one, which rejects when it fails. */
export const lastValue = (returned: unknown): unknown =>
  isObservable(returned) ? lastValueFrom(returned, { defaultValue: undefined }) : returned;
