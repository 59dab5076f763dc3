import {
  encodeGroupList,
  encodeTopicConfigAndQueueMapping,
  encodeTopicConfigSerializeWrapper,
  encodeTopicList,
  encodeTopicStatsTable,
  Requests,
  ResponseCode,
  type TopicConfig,
  topicProblem,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { newTopicConfig } from '../topics.js';
import { answer, ok, type ProcessorRow, refuse, row } from './row.js';

/** Topics: create, change, delete, list, count (`AdminBrokerProcessor`). */
export function topicProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options, topics, staticTopics, offsets, consumers, store } = context;

  /** Why an admin may not touch a topic, or null. */
  const untouchable = (topic: string): string | null =>
    options.validateSystemTopicWhenUpdateTopic && topics.isSystem(topic)
      ? `The topic[${topic}] is conflict with system topic.`
      : null;

  return [
    row(Requests.updateAndCreateTopic, async (fields, request) => {
      const wrong = topicProblem(fields.topic) ?? untouchable(fields.topic) ?? unsupportedSetting(fields);
      if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
      const changes = parseAttributeChanges(fields.attributes ?? '');
      if (changes === null) {
        return refuse(
          request,
          ResponseCode.SYSTEM_ERROR,
          `attributes are ${fields.attributes}, expected +name=value or -name, separated by commas`,
        );
      }
      if (changes['+message.type'] === 'MIXED') {
        return refuse(request, ResponseCode.INVALID_PARAMETER, 'MIXED message type is not supported.');
      }
      topics.update(
        newTopicConfig(fields.topic, {
          readQueueNums: fields.readQueueNums,
          writeQueueNums: fields.writeQueueNums,
          perm: fields.perm,
          topicFilterType: fields.topicFilterType as TopicConfig['topicFilterType'],
          topicSysFlag: fields.topicSysFlag ?? 0,
          order: fields.order,
          attributes: changes,
        }),
      );
      await topics.file.save();
      return ok(request);
    }),

    row(Requests.deleteTopicInBroker, async ({ topic }, request) => {
      const wrong = topic.trim() === '' ? 'The specified topic is blank.' : untouchable(topic);
      if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
      const doomed = [topic, ...(options.clearRetryTopicWhenDeleteTopic ? popRetryTopics(topic) : [])];
      for (const name of doomed) {
        topics.delete(name);
        staticTopics.table.delete(name);
        offsets.removeTopic(name);
      }
      await Promise.all([
        topics.file.save(),
        offsets.file.save(),
        staticTopics.table.file.save(),
        store.deleteTopics(doomed),
      ]);
      return ok(request);
    }),

    row(Requests.getTopicConfig, ({ topic, lo }, request) => {
      const config = topics.get(topic);
      const mappingDetail = lo === true ? staticTopics.table.get(topic) : undefined;
      return config === undefined
        ? refuse(request, ResponseCode.TOPIC_NOT_EXIST, `No topic in this broker. topic: ${topic}`)
        : ok(request, encodeTopicConfigAndQueueMapping({ ...config, mappingDetail }));
    }),

    row(Requests.getAllTopicConfig, (_fields, request) =>
      answer(
        request,
        Requests.getAllTopicConfig,
        { totalTopicNum: topics.all.size },
        encodeTopicConfigSerializeWrapper({
          dataVersion: topics.dataVersion,
          topicConfigTable: Object.fromEntries(topics.all),
          mappingDataVersion: staticTopics.table.dataVersion,
          topicQueueMappingDetailMap: Object.fromEntries(staticTopics.table.all),
        }),
      ),
    ),

    row(Requests.getTopicStatsInfo, async ({ topic }, request) => {
      const config = topics.get(topic);
      if (config === undefined) return refuse(request, ResponseCode.TOPIC_NOT_EXIST, `topic[${topic}] not exist`);
      const queues = Math.max(config.writeQueueNums, config.readQueueNums);
      const offsetTable = [];
      for (let queueId = 0; queueId < queues; queueId++) {
        const maxOffset = store.maxOffset(topic, queueId);
        offsetTable.push({
          queue: { topic, brokerName: options.brokerName, queueId },
          minOffset: Math.max(0, store.minOffset(topic, queueId)),
          maxOffset,
          lastUpdateTimestamp: maxOffset > 0 ? await store.storeTimestampAt(topic, queueId, maxOffset - 1) : 0,
        });
      }
      return ok(request, encodeTopicStatsTable({ offsetTable }));
    }),

    row(Requests.getSystemTopicListFromBroker, (_fields, request) =>
      ok(request, encodeTopicList({ topicList: topics.systemNames })),
    ),

    row(Requests.queryTopicConsumeByWho, ({ topic }, request) =>
      ok(
        request,
        encodeGroupList({ groupList: [...new Set([...consumers.groupsOf(topic), ...offsets.groupsOf(topic)])] }),
      ),
    ),
  ];

  /** Retry topics that pop consumers of a topic have, in both spellings (`KeyBuilder.buildPopRetryTopic`). */
  function popRetryTopics(topic: string): string[] {
    return offsets
      .groupsOf(topic)
      .flatMap((group) => [`%RETRY%${group}+${topic}`, `%RETRY%${group}_${topic}`])
      .filter((name) => topics.has(name));
  }
}

/** What a topic may not be, that Java would take, or take and then fail on. */
function unsupportedSetting(fields: {
  readonly topicFilterType: string;
  readonly readQueueNums: number;
  readonly writeQueueNums: number;
  readonly perm: number;
  readonly attributes?: string | undefined;
}): string | null {
  if (fields.topicFilterType !== 'SINGLE_TAG' && fields.topicFilterType !== 'MULTI_TAG') {
    return `topicFilterType is ${fields.topicFilterType}, expected SINGLE_TAG or MULTI_TAG`;
  }
  if (fields.readQueueNums < 0 || fields.writeQueueNums < 0) {
    return `readQueueNums is ${fields.readQueueNums} and writeQueueNums ${fields.writeQueueNums}, both must be 0 or more`;
  }
  if (fields.attributes?.includes('queue.type=BatchCQ') === true) {
    return 'queue.type BatchCQ is not available in this broker: leave the attribute out';
  }
  return null;
}

/** `+name=value,-name` to `{ '+name': 'value', '-name': '' }` (`AttributeParser.parseToMap`); null when it is malformed. */
export function parseAttributeChanges(text: string): Record<string, string> | null {
  const changes: Record<string, string> = {};
  for (const part of text.split(',').filter((piece) => piece !== '')) {
    const match = /^(\+[^=]+)=(.*)$|^(-[^=]+)$/.exec(part);
    const key = match?.[1] ?? match?.[3];
    if (key === undefined || key in changes) return null;
    changes[key] = match?.[2] ?? '';
  }
  return changes;
}
