import type { DecodedCommand, RemotingCommand } from '@rocketnest/protocol';
import type { ResponseCallback } from './pending-requests.js';

/**
 * Sees every request a client sends and every response it gets, whichever way they are sent (Java: `RPCHook`). Requests that come from
 * servers are not shown. Hooks run in their order on the way of every message: they should be quick.
 */
export interface RpcHook {
  /**
   * Called before a request is encoded, which may change it: add header fields, sign it. What it throws fails the request, which is not
   * sent then.
   * @param address `host:port` as the caller named it
   */
  beforeRequest?(address: string, request: RemotingCommand): void;
  /** Called with the response, whatever its code; not for one-way requests, nor when no response came. What it throws fails the request. */
  afterResponse?(address: string, request: RemotingCommand, response: DecodedCommand): void;
}

/** The hooks of one connection. */
export class RpcHooks {
  readonly #address: string;
  readonly #before: readonly RpcHook[];
  readonly #after: readonly RpcHook[];

  private constructor(address: string, hooks: readonly RpcHook[]) {
    this.#address = address;
    this.#before = hooks.filter((hook) => hook.beforeRequest !== undefined);
    this.#after = hooks.filter((hook) => hook.afterResponse !== undefined);
  }

  /** Undefined without hooks, so that requests cost nothing more then. */
  static of(address: string, hooks: readonly RpcHook[] = []): RpcHooks | undefined {
    return hooks.length === 0 ? undefined : new RpcHooks(address, hooks);
  }

  /** @throws what a hook throws */
  before(request: RemotingCommand): void {
    for (const hook of this.#before) hook.beforeRequest!(this.#address, request);
  }

  /** `callback`, called after the hooks have seen the response. */
  watch(request: RemotingCommand, callback: ResponseCallback): ResponseCallback {
    if (this.#after.length === 0) return callback;
    return (error, response) => {
      if (response !== undefined) {
        try {
          for (const hook of this.#after) hook.afterResponse!(this.#address, request, response);
        } catch (thrown) {
          callback(thrown as Error);
          return;
        }
      }
      callback(error, response);
    };
  }
}
