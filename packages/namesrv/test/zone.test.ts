import { describe, expect, it } from '@jest/globals';
import type { TopicRouteData } from '@rocketnest/protocol';
import { inZone } from '../src/zone.js';

function route(): TopicRouteData {
  const broker = (brokerName: string, zoneName: string | undefined, id: number) => ({
    cluster: 'c',
    brokerName,
    brokerAddrs: { [id]: `${brokerName}:1` },
    zoneName,
  });
  const brokerDatas = [
    broker('near', 'Z1', 0),
    broker('far', 'z2', 0),
    broker('far-slave', 'z2', 1),
    broker('nowhere', undefined, 0),
  ];
  return {
    brokerDatas,
    queueDatas: brokerDatas.map(({ brokerName }) => ({
      brokerName,
      readQueueNums: 1,
      writeQueueNums: 1,
      perm: 6,
      topicSysFlag: 0,
    })),
    filterServerTable: { 'near:1': ['f1'], 'far:1': ['f2'] },
  };
}

describe('inZone', () => {
  it('keeps brokers of the zone, whatever its case, and groups without a master', () => {
    const nearby = inZone(route(), 'z1');
    expect(nearby.brokerDatas.map(({ brokerName }) => brokerName)).toEqual(['near', 'far-slave']);
    expect(nearby.queueDatas.map(({ brokerName }) => brokerName)).toEqual(['near', 'far-slave']);
    expect(nearby.filterServerTable).toEqual({ 'near:1': ['f1'] });
  });
});
