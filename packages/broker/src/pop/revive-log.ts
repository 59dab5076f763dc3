import {
  encodePopAck,
  encodePopCheckPoint,
  type PopAck,
  type PopCheckPoint,
  PropertyName,
  REVIVE_TOPIC_PREFIX,
} from '@rocketnest/protocol';
import { type PutResult, PutStatus } from '@rocketnest/store';
import type { BrokerContext } from '../context.js';
import { ACK_INTERVAL_MS, ReviveTag } from './names.js';

type Parts = Pick<BrokerContext, 'options' | 'clock' | 'storeHost' | 'putMessage'>;

const storedStatuses: ReadonlySet<PutStatus> = new Set([
  PutStatus.PUT_OK,
  PutStatus.FLUSH_DISK_TIMEOUT,
  PutStatus.FLUSH_SLAVE_TIMEOUT,
  PutStatus.SLAVE_NOT_AVAILABLE,
]);

/** True when the message is in the log, however far it got from there. */
export const isStored = ({ status }: PutResult): boolean => storedStatuses.has(status);

/** When the messages of a check point become visible again. */
export const reviveTimeOf = (point: Pick<PopCheckPoint, 'pt' | 'it'>): number => point.pt + point.it;

/** What a check point has in common with its acknowledgements. */
export const mergeKeyOf = (
  item: Pick<PopCheckPoint, 't' | 'c' | 'q' | 'so' | 'pt'>,
  brokerName: string | null | undefined,
): string => `${item.t}@${item.c}@${item.q}@${item.so}@${item.pt}@${brokerName}`;

/** Position of a message in its check point, -1 when it is none of its messages. Java: `PopCheckPoint.indexOfAck`. */
export function indexOfAck(point: PopCheckPoint, offset: number): number {
  const distance = offset - point.so;
  if (distance < 0) return -1;
  if (point.d.length === 0) return distance < point.n ? distance : -1;
  return point.d.indexOf(distance);
}

/** Queue offset of the message at a position of a check point. Java: `PopCheckPoint.ackOffsetByIndex`. */
export const ackOffsetAt = (point: PopCheckPoint, index: number): number =>
  point.so + (point.d.length === 0 ? index : point.d[index]!);

/**
 * Writes check points and acknowledgements to the revive topic `rmq_sys_REVIVE_LOG_<cluster>`. They are timer messages: a
 * check point arrives there shortly before its messages become visible, its acknowledgements at that moment.
 */
export class ReviveLog {
  constructor(private readonly context: Parts) {}

  get topic(): string {
    return REVIVE_TOPIC_PREFIX + this.context.options.brokerClusterName;
  }

  /** Java: `PopMessageProcessor.buildCkMsg`. */
  putCheckPoint(point: PopCheckPoint, reviveQueueId: number): Promise<PutResult> {
    const { t, q, so, c, pt, bn } = point;
    return this.put(
      reviveQueueId,
      ReviveTag.CHECK_POINT,
      `${t}@${q}@${so}@${c}@${pt}@${bn}@${ReviveTag.CHECK_POINT}`,
      encodePopCheckPoint({ ...point, bm: 0, ro: 0, reviveTime: reviveTimeOf(point) }),
      reviveTimeOf(point) - ACK_INTERVAL_MS,
    );
  }

  /** @param reviveTime when the acknowledged messages would become visible. Java: `AckMessageProcessor.appendAck` */
  putAck(ack: PopAck, reviveQueueId: number, reviveTime: number): Promise<PutResult> {
    const { t, q, ao, c, pt, bn } = ack;
    return this.put(
      reviveQueueId,
      ack.aol === undefined ? ReviveTag.ACK : ReviveTag.BATCH_ACK,
      `${t}@${q}@${ao}@${c}@${pt}@${bn}@${ReviveTag.ACK}`,
      encodePopAck(ack),
      reviveTime,
    );
  }

  private put(queueId: number, tag: string, uniqueKey: string, body: Buffer, deliverAt: number): Promise<PutResult> {
    const { clock, storeHost, putMessage } = this.context;
    return new Promise((resolve) =>
      putMessage(
        {
          topic: this.topic,
          queueId,
          body,
          flag: 0,
          properties: {
            [PropertyName.TAGS]: tag,
            [PropertyName.TIMER_DELIVER_MS]: String(deliverAt),
            [PropertyName.UNIQ_KEY]: uniqueKey,
          },
          sysFlag: 0,
          bornTimestamp: clock.now(),
          bornHost: storeHost,
          storeHost,
          reconsumeTimes: 0,
          preparedTransactionOffset: 0,
        },
        resolve,
      ),
    );
  }
}
