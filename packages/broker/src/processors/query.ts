import { createResponse, encodeFields, Requests, ResponseCode } from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { type ProcessorRow, refuse, row } from './row.js';

/** Set by clients that look for a unique id and not for a key (`MixAll.UNIQUE_MSG_QUERY_FLAG`). */
const UNIQUE_KEY_FLAG = '_UNIQUE_KEY_QUERY';

/** Reading single messages (`QueryMessageProcessor`). */
export function queryProcessors({ options, store }: BrokerContext): readonly ProcessorRow[] {
  return [
    row(Requests.queryMessage, async (fields, request) => {
      const byUniqueId = request.extFields[UNIQUE_KEY_FLAG]?.toLowerCase() === 'true';
      const { topic, key, maxNum, beginTimestamp, endTimestamp } = fields;
      const found = await store.queryByKey(
        topic,
        key,
        byUniqueId ? options.defaultQueryMaxNum : maxNum,
        beginTimestamp,
        endTimestamp,
        byUniqueId ? 'U' : (fields.indexType ?? 'K'),
      );
      const { response, name } = Requests.queryMessage;
      const header = encodeFields(
        response,
        {
          indexLastUpdateTimestamp: found.lastUpdateTimestamp,
          indexLastUpdatePhyoffset: found.lastCommitLogOffset,
        },
        name,
      );
      return found.messages.length === 0
        ? refuse(request, ResponseCode.QUERY_NOT_FOUND, 'can not find message, maybe time range not correct', header)
        : createResponse(request, ResponseCode.SUCCESS, null, header, found.messages);
    }),

    row(Requests.viewMessageById, async ({ offset }, request) => {
      const message = await store.messageAt(offset);
      return message === null
        ? refuse(request, ResponseCode.SYSTEM_ERROR, `can not find message by the offset, ${offset}`)
        : createResponse(request, ResponseCode.SUCCESS, null, {}, message);
    }),
  ];
}
