import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../src/errors.js';
import {
  dlqTopic,
  groupProblem,
  isDlqTopic,
  isNotAllowedSendTopic,
  isRetryTopic,
  isSystemGroup,
  isSystemTopic,
  parseRetryGroup,
  popRetryTopic,
  replyTopic,
  retryTopic,
  systemTopicNames,
  topicProblem,
  validateGroup,
  validateTopic,
} from '../src/topics.js';
import { fixture } from './fixtures.js';

interface Verdict {
  name: string;
  topic: boolean;
  group: boolean;
  system: boolean;
  notAllowedSend?: boolean;
}
const java = fixture<{ names: Verdict[]; retryGroups: { topic: string; group: string }[] }>('texts');

describe('names', () => {
  it.each(java.names)('$name is judged as by Java', ({ name, topic, group, system, notAllowedSend = false }) => {
    expect({ topic: topicProblem(name) === null, group: groupProblem(name) === null }).toEqual({ topic, group });
    expect(isSystemTopic(name)).toBe(system);
    expect(isNotAllowedSendTopic(name)).toBe(notAllowedSend);
  });

  it('of system topics are all those of Java', () => {
    const theirs = java.names.filter(({ notAllowedSend }) => notAllowedSend !== undefined).map(({ name }) => name);
    expect([...systemTopicNames()].sort()).toEqual(theirs.sort());
  });

  it('are refused with name, value and limit', () => {
    expect(() => validateTopic('a b')).toThrow(ConfigurationError);
    expect(() => validateTopic('a b')).toThrow(
      'The topic name "a b" has illegal characters: only letters, digits and % | _ - are allowed',
    );
    expect(() => validateGroup('g'.repeat(121))).toThrow(/has 121 characters, the limit is 120/);
    expect(() => validateGroup('')).toThrow('The group name is blank: give one');
    expect(() => validateTopic(undefined as never)).toThrow('The topic name is blank: give one');
  });

  it('that are legal pass', () => {
    expect(() => validateTopic('orders')).not.toThrow();
    expect(() => validateGroup('g'.repeat(120))).not.toThrow();
  });
});

describe('derived topics', () => {
  it('carry the group', () => {
    expect([retryTopic('g'), dlqTopic('g'), replyTopic('c')]).toEqual(['%RETRY%g', '%DLQ%g', 'c_REPLY_TOPIC']);
    expect([popRetryTopic('t', 'g', 1), popRetryTopic('t', 'g', 2)]).toEqual(['%RETRY%g_t', '%RETRY%g+t']);
    expect([isRetryTopic('%RETRY%g'), isRetryTopic('g'), isDlqTopic('%DLQ%g'), isDlqTopic('%RETRY%g')]).toEqual([
      true,
      false,
      true,
      false,
    ]);
  });

  it.each(java.retryGroups)('$topic belongs to the group Java says', ({ topic, group }) => {
    expect(parseRetryGroup(topic)).toBe(group);
  });
});

describe('system groups', () => {
  it.each([
    ['TOOLS_CONSUMER', true],
    ['CID_RMQ_SYS_TRANS', true],
    ['orders', false],
  ])('%s: %p', (group, system) => {
    expect(isSystemGroup(group)).toBe(system);
  });
});
