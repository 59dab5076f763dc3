import {
  encodeSubscriptionGroupConfig,
  encodeSubscriptionGroupWrapper,
  encodeTopicList,
  groupProblem,
  parseDataVersion,
  parseSubscriptionGroupConfig,
  parseSubscriptionGroupList,
  Requests,
  ResponseCode,
} from '@rocketnest/protocol';
import type { BrokerContext } from '../context.js';
import { answer, ok, type ProcessorRow, parseBody, refuse, row } from './row.js';

/** Consumer groups: create, change, delete, list (`AdminBrokerProcessor`). */
export function groupProcessors(context: BrokerContext): readonly ProcessorRow[] {
  const { options, groups, offsets } = context;
  return [
    row(Requests.updateAndCreateSubscriptiongroup, async (_fields, request) => {
      const group = parseBody(request, Requests.updateAndCreateSubscriptiongroup, parseSubscriptionGroupConfig);
      const wrong = groupProblem(group.groupName);
      if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
      groups.update(group);
      await groups.file.save();
      return ok(request);
    }),

    row(Requests.updateAndCreateSubscriptiongroupList, async (_fields, request) => {
      const list = parseBody(request, Requests.updateAndCreateSubscriptiongroupList, parseSubscriptionGroupList);
      for (const { groupName } of list.groupConfigList) {
        const wrong = groupProblem(groupName);
        if (wrong !== null) return refuse(request, ResponseCode.INVALID_PARAMETER, wrong);
      }
      for (const group of list.groupConfigList) groups.update(group);
      await groups.file.save();
      return ok(request);
    }),

    row(Requests.deleteSubscriptiongroup, async ({ groupName, cleanOffset }, request) => {
      groups.delete(groupName);
      if (cleanOffset) offsets.removeGroup(groupName);
      if (options.autoDeleteUnusedStats) context.stats.groupDeleted(groupName);
      context.pop.groupDeleted(groupName);
      await Promise.all([groups.file.save(), offsets.file.save()]);
      return ok(request);
    }),

    row(Requests.getSubscriptiongroupConfig, ({ group }, request) => {
      const config = groups.find(group);
      return config === undefined
        ? refuse(request, ResponseCode.SUBSCRIPTION_GROUP_NOT_EXIST, 'No group in this broker')
        : ok(request, encodeSubscriptionGroupConfig(config));
    }),

    row(Requests.getAllSubscriptiongroupConfig, ({ groupSeq, maxGroupNum, dataVersion }, request) => {
      const paged = groupSeq !== undefined || maxGroupNum !== undefined || dataVersion !== undefined;
      const size = Math.min(options.splitMetadataSize, maxGroupNum ?? options.splitMetadataSize);
      const version = dataVersion?.trim() ? parseDataVersion(Buffer.from(dataVersion)) : undefined;
      const wrapper = paged && options.enableSplitMetadata ? groups.page(groupSeq ?? 0, size, version) : groups.wrapper;
      const fields = { totalGroupNum: groups.all.size };
      return answer(request, Requests.getAllSubscriptiongroupConfig, fields, encodeSubscriptionGroupWrapper(wrapper));
    }),

    row(Requests.queryTopicsByConsumer, ({ group }, request) =>
      ok(request, encodeTopicList({ topicList: offsets.topicsOf(group), brokerAddr: context.address })),
    ),
  ];
}
