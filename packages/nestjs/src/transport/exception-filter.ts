import type { ArgumentsHost } from '@nestjs/common';
import { Catch } from '@nestjs/common';
import { BaseRpcExceptionFilter } from '@nestjs/microservices';
import { type Observable, throwError } from 'rxjs';
import { isRocketMQContext } from '../context.js';

/**
 * Lets ServerRocketMQ see what a handler threw. Without it Nest turns every error but RpcException into "Internal server
 * error", and a message that failed validation is retried like any other instead of going to the dead letter topic at once.
 *
 * `app.useGlobalFilters(new RocketMQExceptionFilter())` on the microservice, or `@UseFilters(RocketMQExceptionFilter)`.
 * Listeners (`@RocketMQMessageListener`) do not need it.
 */
@Catch()
export class RocketMQExceptionFilter extends BaseRpcExceptionFilter {
  override catch(exception: unknown, host: ArgumentsHost): Observable<never> {
    if (isRocketMQContext(host)) return throwError(() => exception);
    return super.catch(exception as never, host) as Observable<never>;
  }
}
