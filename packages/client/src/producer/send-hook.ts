import type { SendResult } from './send-result.js';

/** What a hook sees of one send. Java: SendMessageContext. */
export interface SendHookContext {
  readonly group: string;
  readonly topic: string;
  /** Properties as they will be sent; beforeSend may add own ones (trace ids). A batch has those of its messages apart. */
  readonly properties: Record<string, string>;
  readonly bodyBytes: number;
  /** Messages in this send: 1, or those of a batch. */
  readonly messageCount: number;
  readonly kind: 'normal' | 'delay' | 'transaction' | 'batch';
}

/** How the send ended. */
export interface SendOutcome {
  readonly result?: SendResult;
  readonly error?: Error;
  readonly elapsedMs: number;
}

/** Called around every send. What a hook throws is logged and otherwise ignored. Java: SendMessageHook. */
export interface SendHook {
  beforeSend?(context: SendHookContext): void;
  afterSend?(context: SendHookContext, outcome: SendOutcome): void;
}
