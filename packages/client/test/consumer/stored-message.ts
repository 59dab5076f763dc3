import type { MessageExt } from '@rocketnest/protocol';

/** A pulled message with what consumption looks at. */
export function pulled(queueOffset: number, overrides: Partial<MessageExt> = {}): MessageExt {
  return {
    topic: 'T',
    body: Buffer.from(`body ${queueOffset}`),
    flag: 0,
    properties: {},
    queueId: 0,
    queueOffset,
    commitLogOffset: queueOffset * 100,
    storeSize: 100,
    bodyCrc: 0,
    sysFlag: 0,
    bornTimestamp: 0,
    bornHost: { address: '127.0.0.1', port: 1 },
    storeTimestamp: 0,
    storeHost: { address: '127.0.0.1', port: 2 },
    reconsumeTimes: 0,
    preparedTransactionOffset: 0,
    msgId: `id-${queueOffset}`,
    offsetMsgId: `at-${queueOffset}`,
    brokerName: 'b',
    ...overrides,
  };
}

export const QUEUE = { topic: 'T', brokerName: 'b', queueId: 0 } as const;
