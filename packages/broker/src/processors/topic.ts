import {
  encodeGroupList,
  encodeTopicConfigAndQueueMapping,
  encodeTopicConfigSerializeWrapper,
  encodeTopicList,
  encodeTopicStatsTable,
  parseCreateTopicListRequest,
  popRetryTopic,
  type RemotingCommand,
  type RequestFields,
  Requests,
  ResponseCode,
  type TopicConfig,
  topicProblem,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { isSameVersion } from '../data-version.js';
import { newTopicConfig, topicSettingProblem } from '../topics.js';
import { answer, ok, type ProcessorRow, parseBody, refuse, row } from './row.js';

/** Topics: create, change, delete, list, count (`AdminBrokerProcessor`). */
export function topicProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options, topics, staticTopics, offsets, consumers, store, stats } = context;

  /** Why an admin may not touch a topic, or null. */
  const untouchable = (topic: string): string | null =>
    options.validateSystemTopicWhenUpdateTopic && topics.isSystem(topic)
      ? `The topic[${topic}] is conflict with system topic.`
      : null;

  return [
    row(Requests.updateAndCreateTopic, async (fields, request) => {
      const changes = parseAttributeChanges(fields.attributes ?? '');
      if (changes === null) {
        return refuse(
          request,
          ResponseCode.SYSTEM_ERROR,
          `attributes are ${fields.attributes}, expected +name=value or -name, separated by commas`,
        );
      }
      return createOrChange(request, [
        newTopicConfig(fields.topic, {
          readQueueNums: fields.readQueueNums,
          writeQueueNums: fields.writeQueueNums,
          perm: fields.perm,
          topicFilterType: fields.topicFilterType as TopicConfig['topicFilterType'],
          topicSysFlag: fields.topicSysFlag ?? 0,
          order: fields.order,
          attributes: changes,
        }),
      ]);
    }),

    row(Requests.updateAndCreateTopicList, (_fields, request) => {
      const { topicConfigList } = parseBody(request, Requests.updateAndCreateTopicList, parseCreateTopicListRequest);
      return createOrChange(request, topicConfigList);
    }),

    row(Requests.deleteTopicInBroker, async ({ topic }, request) => {
      const wrong = topic.trim() === '' ? 'The specified topic is blank.' : untouchable(topic);
      if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
      const doomed = [topic, ...(options.clearRetryTopicWhenDeleteTopic ? popRetryTopics(topic) : [])];
      for (const name of doomed) {
        topics.delete(name);
        if (options.autoDeleteUnusedStats) stats.topicDeleted(name);
        staticTopics.table.delete(name);
        context.timers.topicDeleted(name);
        context.pop.topicDeleted(name);
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

    row(Requests.getAllTopicConfig, (fields, request) => {
      const page = pageOf(fields);
      const mappings = [...staticTopics.table.all].filter(([topic]) => page.has(topic));
      return answer(
        request,
        Requests.getAllTopicConfig,
        { totalTopicNum: topics.all.size },
        encodeTopicConfigSerializeWrapper({
          dataVersion: topics.dataVersion,
          topicConfigTable: Object.fromEntries(page),
          mappingDataVersion: staticTopics.table.dataVersion,
          topicQueueMappingDetailMap: Object.fromEntries(mappings),
        }),
      );
    }),

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
      return ok(
        request,
        encodeTopicStatsTable({ offsetTable, topicPutTps: stats.snapshot('TOPIC_PUT_NUMS', topic).tps }),
      );
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

  /** Creates or changes topics for an admin; their attributes are changes, `+name` or `-name`. None, when one is refused. */
  async function createOrChange(request: RemotingCommand, wanted: readonly TopicConfig[]): Promise<RemotingCommand> {
    for (const topic of wanted) {
      const { topicName } = topic;
      const mixed = topic.attributes?.['+message.type'] === 'MIXED' && !options.enableMixedMessageType;
      const wrong =
        topicProblem(topicName) ??
        untouchable(topicName) ??
        topicSettingProblem(topic) ??
        (mixed ? 'MIXED message type is not supported.' : null);
      if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
    }
    for (const topic of wanted) topics.update(topic);
    await topics.file.save();
    return ok(request);
  }

  /**
   * The topics that GET_ALL_TOPIC_CONFIG is about: all of them for clients that do not ask for pages, else `maxTopicNum` by name
   * from number `topicSeq` on; from the first again when the topics have changed (`subTopicConfigTable`).
   */
  function pageOf(fields: RequestFields<typeof Requests.getAllTopicConfig>): ReadonlyMap<string, TopicConfig> {
    const { topicSeq, dataVersion, maxTopicNum } = fields;
    const wantsAll = topicSeq === undefined && dataVersion === undefined && maxTopicNum === undefined;
    if (wantsAll || !options.enableSplitMetadata) return topics.all;
    const isCurrent = dataVersion !== undefined && isSameVersion(dataVersion, topics.dataVersion);
    const start = isCurrent ? Math.max(0, topicSeq ?? 0) : 0;
    const names = [...topics.all.keys()].sort();
    const page = names.slice(start, start + Math.min(options.splitMetadataSize, maxTopicNum ?? names.length));
    return new Map(page.map((name) => [name, topics.get(name)!]));
  }

  /** Retry topics that pop consumers of a topic have, in both spellings (`KeyBuilder.buildPopRetryTopic`). */
  function popRetryTopics(topic: string): string[] {
    return offsets
      .groupsOf(topic)
      .flatMap((group) => [popRetryTopic(topic, group, 2), popRetryTopic(topic, group, 1)])
      .filter((name) => topics.has(name));
  }
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
