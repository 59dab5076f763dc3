import { createResponse, type RemotingCommand, ResponseCode, requestCodeName } from '@rocketnest/protocol';
import type { Processor } from '@rocketnest/remoting';

/** One row of an area's table. */
export type ProcessorRow = readonly [code: number, processor: Processor];

/** A successful answer. */
export const ok = (request: RemotingCommand, fields?: Record<string, string>, body?: Buffer): RemotingCommand =>
  createResponse(request, ResponseCode.SUCCESS, undefined, fields, body);

/** A refusal: `remark` is what the Java client shows its user. */
export const refuse = (request: RemotingCommand, code: number, remark: string): RemotingCommand =>
  createResponse(request, code, remark);

/** Answers every code that has no processor (`AdminBrokerProcessor.getUnknownCmdResponse`). */
export const unsupported: Processor = (request) =>
  refuse(
    request,
    ResponseCode.REQUEST_CODE_NOT_SUPPORTED,
    ` request type ${request.code} not supported (${requestCodeName(request.code)})`,
  );
