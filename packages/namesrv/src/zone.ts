import type { TopicRouteData } from '@rocketnest/protocol';

/**
 * Keeps the brokers of a zone in a route. A group without a master stays whatever its zone: its slaves are all that is left to
 * read from (Java: `ZoneRouteRPCHook`).
 */
export function inZone(route: TopicRouteData, zoneName: string): TopicRouteData {
  const kept = route.brokerDatas.filter(
    (broker) => broker.brokerAddrs[0] === undefined || broker.zoneName?.toLowerCase() === zoneName.toLowerCase(),
  );
  const dropped = route.brokerDatas.filter((broker) => !kept.includes(broker));
  const droppedNames = new Set(dropped.map(({ brokerName }) => brokerName));
  const droppedAddrs = new Set(dropped.flatMap(({ brokerAddrs }) => Object.values(brokerAddrs)));
  return {
    ...route,
    brokerDatas: kept,
    queueDatas: route.queueDatas.filter(({ brokerName }) => !droppedNames.has(brokerName)),
    filterServerTable: Object.fromEntries(
      Object.entries(route.filterServerTable ?? {}).filter(([addr]) => !droppedAddrs.has(addr)),
    ),
  };
}
