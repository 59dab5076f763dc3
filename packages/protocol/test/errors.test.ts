import { describe, expect, it } from '@jest/globals';
import * as errors from '../src/errors.js';

const classes = new Map(Object.entries(errors));
const { ErrorTable, ResponseError, RocketMQError, SendError, TimeoutError } = errors;

describe('error table', () => {
  it.each(Object.entries(ErrorTable))("%s is a class with the table's code and retriable", (name, row) => {
    const Class = classes.get(name) as new (message: string, options: object) => errors.RocketMQError;
    const error = new Class('what failed', { responseCode: 1 });
    expect(error).toBeInstanceOf(RocketMQError);
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name,
      code: row.code,
      retriable: row.retriable,
      message: 'what failed',
      context: {},
    });
    expect(error.stack).toContain('what failed');
  });

  it('has a distinct code for every class', () => {
    const codes = Object.values(ErrorTable).map((row) => row.code);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('has a row for every exported error class', () => {
    const classes = Object.entries(errors).filter(
      ([, value]) => typeof value === 'function' && value !== RocketMQError,
    );
    expect(classes.map(([name]) => name).sort()).toEqual(Object.keys(ErrorTable).sort());
  });
});

describe('RocketMQError', () => {
  it('keeps cause and a frozen copy of the context', () => {
    const cause = new Error('reset');
    const context = { address: '127.0.0.1:1' };
    const error = new TimeoutError('no answer', { cause, context });
    context.address = 'changed';
    expect(error.cause).toBe(cause);
    expect(error.context).toEqual({ address: '127.0.0.1:1' });
    expect(Object.isFrozen(error.context)).toBe(true);
  });

  it('has no cause property when none is given', () => {
    expect('cause' in new TimeoutError('no answer')).toBe(false);
  });

  it('lets one case differ from its class in retriable', () => {
    expect(new TimeoutError('no answer', { retriable: false }).retriable).toBe(false);
  });

  it('carries what the other side of a request said, or who could have answered', () => {
    const failure = { remoteName: 'TypeError', remoteMessage: 'no such order', remoteCode: 'E1' };
    expect(new errors.RemoteReplyError('failed', failure)).toMatchObject(failure);
    expect(new errors.RequestTimeoutError('no reply', { responders: ['billing'] }).responders).toEqual(['billing']);
    expect(new errors.RequestTimeoutError('no reply').responders).toBeUndefined();
  });

  it('carries response code and remark of the peer', () => {
    const error = new ResponseError('send failed', { responseCode: 17, remark: 'no topic' });
    expect(error).toMatchObject({ responseCode: 17, remark: 'no topic' });
    expect(new ResponseError('send failed', { responseCode: 1 }).remark).toBeNull();
  });

  it('carries the send status', () => {
    expect(new SendError('not durable', { sendStatus: 'FLUSH_DISK_TIMEOUT' }).sendStatus).toBe('FLUSH_DISK_TIMEOUT');
  });
});
