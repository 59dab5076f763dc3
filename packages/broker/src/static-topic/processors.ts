import { parseTopicQueueMapping, Requests, ResponseCode, type TopicConfig, topicProblem } from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { ok, type ProcessorRow, parseBody, refuse, row } from '../processors/row.js';
import { newTopicConfig, topicSettingProblem } from '../topics.js';

/** UPDATE_AND_CREATE_STATIC_TOPIC: mqadmin's updateStaticTopic and remappingStaticTopic (`AdminBrokerProcessor`). */
export function staticTopicProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options, topics, staticTopics, pullHold } = context;
  return [
    row(Requests.updateAndCreateStaticTopic, async (fields, request) => {
      const { topic } = fields;
      const wrong = topicProblem(topic) ?? topicSettingProblem(fields);
      if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
      if (options.validateSystemTopicWhenUpdateTopic && topics.isSystem(topic)) {
        return refuse(request, ResponseCode.INVALID_PARAMETER, `The topic[${topic}] is conflict with system topic.`);
      }
      const mapping = parseBody(request, Requests.updateAndCreateStaticTopic, parseTopicQueueMapping);
      if (mapping.topic !== topic) {
        return refuse(request, ResponseCode.INVALID_PARAMETER, `the mapping is of ${mapping.topic}, not of ${topic}`);
      }
      // The mapping first: it may be refused. Name servers are told of both when the topic changes.
      staticTopics.table.update(mapping, fields.force === true);
      topics.update(
        newTopicConfig(topic, {
          readQueueNums: fields.readQueueNums,
          writeQueueNums: fields.writeQueueNums,
          perm: fields.perm,
          topicFilterType: fields.topicFilterType as TopicConfig['topicFilterType'],
          topicSysFlag: fields.topicSysFlag ?? 0,
        }),
      );
      await Promise.all([staticTopics.table.file.save(), topics.file.save()]);
      // Those that wait here for messages of a queue that moved on learn of it now. (Apache lets them wait their time.)
      pullHold.release(topic);
      return ok(request);
    }),
  ];
}
