import { describe, expect, it } from '@jest/globals';
import { ResponseError } from '@rocketnest/protocol';
import { alterAttributes, groupAttributes, topicAttributes } from '../src/attributes.js';

describe('attributes', () => {
  it('are added, changed and removed by signed names', () => {
    const created = alterAttributes(topicAttributes, undefined, { '+message.type': 'FIFO', '+reserve.time': '10' });
    expect(created).toEqual({ 'message.type': 'FIFO', 'reserve.time': '10' });
    const changed = alterAttributes(topicAttributes, created, { '+message.type': 'NORMAL', '-reserve.time': '' });
    expect(changed).toEqual({ 'message.type': 'NORMAL' });
  });

  it('are allowed per owner', () => {
    expect(alterAttributes(groupAttributes, undefined, { '+priority.factor': '100' })).toEqual({
      'priority.factor': '100',
    });
    expect(() => alterAttributes(topicAttributes, undefined, { '+priority.factor': '1' })).toThrow(/unsupported key/);
  });

  it.each([
    [undefined, { 'message.type': 'FIFO' }, /wrong format key/],
    [undefined, { '-message.type': '' }, /only add/],
    [{}, { '-message.type': '' }, /nonexistent key: message.type/],
    [undefined, { '+message.type': 'ODD' }, /message.type is ODD.*FIFO/],
    [{}, { '+queue.type': 'SimpleCQ' }, /unchangeable.*queue.type/],
    [undefined, { '+priority.factor': '101' }, /unsupported key/],
    [undefined, { '+toString': 'x' }, /unsupported key: toString/],
  ])('of %j cannot change by %j', (current, changes, message) => {
    expect(() => alterAttributes(topicAttributes, current, changes as unknown as Record<string, string>)).toThrow(
      message,
    );
    expect(() => alterAttributes(topicAttributes, current, changes as unknown as Record<string, string>)).toThrow(
      ResponseError,
    );
  });
});
