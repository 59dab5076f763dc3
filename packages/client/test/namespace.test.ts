import { describe, expect, it } from '@jest/globals';
import { instanceIdOf, Namespace } from '../src/namespace.js';

/** Recorded from Java: NamespaceUtil.wrapNamespace and withoutNamespace. */
const wrapped = [
  ['orders', 'MQ_INST_1%orders'],
  ['%RETRY%billing', '%RETRY%MQ_INST_1%billing'],
  ['%DLQ%billing', '%DLQ%MQ_INST_1%billing'],
  ['TBW102', 'TBW102'],
  ['RMQ_SYS_TRACE_TOPIC', 'RMQ_SYS_TRACE_TOPIC'],
  ['rmq_sys_wheel_timer', 'rmq_sys_wheel_timer'],
  ['CID_RMQ_SYS_TRANS', 'CID_RMQ_SYS_TRANS'],
  ['MQ_INST_2%orders', 'MQ_INST_1%MQ_INST_2%orders'],
  ['', ''],
] as const;

describe('Namespace', () => {
  const namespace = new Namespace('MQ_INST_1');

  it.each(wrapped)('%s is %s on the brokers, and back, however often it is wrapped', (plain, wire) => {
    expect(namespace.wrapTopic(plain)).toBe(wire);
    expect(namespace.wrapTopic(wire)).toBe(wire);
    expect(namespace.wrapGroup(plain)).toBe(wire);
    expect(namespace.unwrapTopic(wire)).toBe(plain);
    expect(namespace.unwrapGroup(wire)).toBe(plain);
  });

  it.each(['orders', 'MQ_INST_2%orders', '%RETRY%MQ_INST_2%billing', '%RETRY%MQ_INST_10%billing'])(
    'leaves %s alone, which is not of the namespace',
    (name) => expect(namespace.unwrapTopic(name)).toBe(name),
  );

  it('wraps the topic of a queue', () => {
    const queue = { topic: 'orders', brokerName: 'a', queueId: 3 };
    const wire = namespace.wrapQueue(queue);
    expect(wire).toEqual({ topic: 'MQ_INST_1%orders', brokerName: 'a', queueId: 3 });
    expect(namespace.unwrapQueues([wire])).toEqual([queue]);
  });

  it('does nothing without a name', () => {
    const none = new Namespace();
    const queue = { topic: 'orders', brokerName: 'a', queueId: 3 };
    expect(none.active).toBe(false);
    expect([none.wrapTopic('a%b'), none.unwrapTopic('a%b'), none.wrapGroup('g')]).toEqual(['a%b', 'a%b', 'g']);
    expect(none.wrapQueue(queue)).toBe(queue);
    expect(none.unwrapQueue(queue)).toBe(queue);
  });
});

it.each([
  ['http://MQ_INST_123_abc.cn.example.com:80', 'MQ_INST_123_abc'],
  ['MQ_INST_123_abc.cn.example.com:80', 'MQ_INST_123_abc'],
  ['http://onsaddr.example.com:80', undefined],
  ['127.0.0.1:9876', undefined],
  [undefined, undefined],
])('the instance id of %s is %s', (namesrvAddr, instanceId) => {
  expect(instanceIdOf(namesrvAddr)).toBe(instanceId);
});
