import { describe, expect, it } from '@jest/globals';
import { RequestCode, ResponseCode, requestCodeName, responseCodeName } from '../src/codes.js';
import { fixture } from './fixtures.js';

const java = fixture<Record<'request' | 'response', string>>('codes');

function table(text: string): Record<string, number> {
  return Object.fromEntries(text.split(' ').map((pair) => [pair.split('=')[0], Number(pair.split('=')[1])]));
}

describe('codes', () => {
  it('are exactly the request codes of Java', () => {
    expect(RequestCode).toEqual(table(java.request));
  });

  it('are exactly the response codes of Java', () => {
    expect(ResponseCode).toEqual(table(java.response));
  });

  it('are named in messages', () => {
    expect(requestCodeName(RequestCode.SEND_MESSAGE_V2)).toBe('SEND_MESSAGE_V2(310)');
    expect(responseCodeName(ResponseCode.TOPIC_NOT_EXIST)).toBe('TOPIC_NOT_EXIST(17)');
    expect(responseCodeName(ResponseCode.RPC_TIME_OUT)).toBe('RPC_TIME_OUT(-1006)');
  });

  it('are still shown when unknown', () => {
    expect(requestCodeName(4711)).toBe('UNKNOWN(4711)');
    expect(responseCodeName(-5)).toBe('UNKNOWN(-5)');
  });
});
