import { describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  ForbiddenException,
  InternalServerErrorException,
  NotFoundException,
  RequestTimeoutException,
  UnauthorizedException,
  UnprocessableEntityException,
} from '@nestjs/common';
import { RpcException } from '@nestjs/microservices';
import { ConsumeResult, isFinal, NonRetryableError } from '../src/outcome.js';

describe('ConsumeResult', () => {
  it('carries the outcome', () => {
    expect(ConsumeResult.retryIn(18).outcome).toEqual({ action: 'retry', delayLevel: 18 });
    expect(ConsumeResult.deadLetter('no such user').outcome).toEqual({ action: 'dead-letter', reason: 'no such user' });
    expect(ConsumeResult.suspend(10).outcome).toEqual({ action: 'suspend', ms: 10 });
  });

  it.each([0, 19, 1.5, Number.NaN])('refuses delay level %p', (level) => {
    expect(() => ConsumeResult.retryIn(level)).toThrow(RangeError);
  });

  it.each([9, 30_001, 10.5])('refuses to suspend for %p ms', (ms) => {
    expect(() => ConsumeResult.suspend(ms)).toThrow(RangeError);
  });
});

describe('isFinal', () => {
  it.each([
    [new NonRetryableError('x'), true],
    [new BadRequestException(), true],
    [new UnprocessableEntityException(), true],
    [new ForbiddenException(), true],
    [new UnauthorizedException(), true],
    [new NotFoundException(), false],
    [new RequestTimeoutException(), false],
    [new InternalServerErrorException(), false],
    [new Error('x'), false],
    [new RpcException('x'), false],
    ['text', false],
    [undefined, false],
  ])('%p: %p', (error, final) => {
    expect(isFinal(error)).toBe(final);
  });
});

describe('NonRetryableError', () => {
  it('keeps message and cause, and survives Nest’s RPC filters as itself', () => {
    const cause = new Error('why');
    const error = new NonRetryableError('bad order', { cause });
    expect(error).toMatchObject({ name: 'NonRetryableError', message: 'bad order', cause });
    expect(error.getError()).toBe(error);
  });
});
