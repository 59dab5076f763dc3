import type { DispatchRequest } from './dispatch.js';

/** placeholder replaced in the next commit */
export class IndexService {
  readonly empty = true;
  readonly endOffset = 0;
  truncateSync(_offset: number): void {}
  flushSync(): void {}
  put(_request: DispatchRequest): void {}
}
