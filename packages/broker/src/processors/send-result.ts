import { ResponseCode } from '@rocketnest/protocol';
import type { MessageStore, PutStatus } from '@rocketnest/store';
import type { BrokerOptions } from '../options.js';

/** How a put result is answered to the sender. */
export interface SendOutcome {
  readonly code: number;
  /** True when the message is stored, even if not as durably as asked for. */
  readonly stored: boolean;
  readonly remark: string | null;
}

const stored = (code: number): SendOutcome => ({ code, stored: true, remark: null });
const failed = (code: number, remark: string): SendOutcome => ({ code, stored: false, remark });
/** What the sender is told: when the disk is full, with the numbers. */
export const remarkOf = (
  { remark }: SendOutcome,
  status: PutStatus,
  store: Pick<MessageStore, 'diskFull'>,
): string | null =>
  status === 'SERVICE_NOT_AVAILABLE' && store.diskFull !== null ? `${remark} Now: ${store.diskFull}.` : remark;

/** The answer for every put status (`SendMessageProcessor.handlePutMessageResult`). */
export const sendOutcomes = (options: BrokerOptions): Readonly<Record<PutStatus, SendOutcome>> => {
  const illegal = failed(
    ResponseCode.MESSAGE_ILLEGAL,
    'the message is illegal, maybe msg body or properties length not matched. msg body length limit ' +
      `${options.maxMessageSize}B, msg properties length limit 32KB.`,
  );
  const perSlot = options.timerCongestNumEachSlot;
  return {
    PUT_OK: stored(ResponseCode.SUCCESS),
    FLUSH_DISK_TIMEOUT: stored(ResponseCode.FLUSH_DISK_TIMEOUT),
    FLUSH_SLAVE_TIMEOUT: stored(ResponseCode.FLUSH_SLAVE_TIMEOUT),
    SLAVE_NOT_AVAILABLE: stored(ResponseCode.SLAVE_NOT_AVAILABLE),
    CREATE_MAPPED_FILE_FAILED: failed(
      ResponseCode.SYSTEM_ERROR,
      'create mapped file failed, server is busy or broken.',
    ),
    MESSAGE_ILLEGAL: illegal,
    PROPERTIES_SIZE_EXCEEDED: illegal,
    SERVICE_NOT_AVAILABLE: failed(
      ResponseCode.SERVICE_NOT_AVAILABLE,
      "service not available now. It may be caused by one of the following reasons: the broker's disk is full, " +
        'messages are put to the slave, message store has been shut down, etc.',
    ),
    OS_PAGE_CACHE_BUSY: failed(
      ResponseCode.SYSTEM_BUSY,
      '[PC_SYNCHRONIZED]broker busy, start flow control for a while',
    ),
    WHEEL_TIMER_NOT_ENABLE: failed(
      ResponseCode.SYSTEM_ERROR,
      `accurate timer message is not enabled, timerWheelEnable is ${options.timerWheelEnable}`,
    ),
    WHEEL_TIMER_MSG_ILLEGAL: failed(
      ResponseCode.MESSAGE_ILLEGAL,
      'timer message illegal, the delay time should not be bigger than the max delay ' +
        `${options.timerMaxDelaySec * 1_000}ms; or if set del msg, the delay time should be bigger than the current time`,
    ),
    WHEEL_TIMER_FLOW_CONTROL: failed(
      ResponseCode.SYSTEM_ERROR,
      `timer message is under flow control, max num limit is ${perSlot * 2} or the current value is greater than ` +
        `${perSlot} and less than ${perSlot * 2}, trigger random flow control`,
    ),
    UNKNOWN_ERROR: failed(ResponseCode.SYSTEM_ERROR, 'UNKNOWN_ERROR'),
  };
};
