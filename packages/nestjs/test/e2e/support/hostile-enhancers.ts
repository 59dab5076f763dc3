import {
  type CanActivate,
  Catch,
  type ExceptionFilter,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_INTERCEPTOR, APP_PIPE } from '@nestjs/core';
import { EMPTY, type Observable } from 'rxjs';

// Enhancers as they are written for HTTP. For a message each of them does the worst it can.

/** What the global enhancers were asked. */
export const asked: string[] = [];

@Injectable()
class NobodyMayPass implements CanActivate {
  canActivate(): boolean {
    asked.push('guard');
    return false;
  }
}

@Injectable()
class RefuseEverything implements PipeTransform {
  transform(): never {
    asked.push('pipe');
    throw new Error('not an HTTP body');
  }
}

@Injectable()
class NeverCallTheHandler implements NestInterceptor {
  intercept(): Observable<never> {
    asked.push('interceptor');
    return EMPTY;
  }
}

@Catch()
class SwallowEverything implements ExceptionFilter {
  catch(): string {
    asked.push('filter');
    return 'response sent';
  }
}

export const hostile = [
  { provide: APP_GUARD, useClass: NobodyMayPass },
  { provide: APP_PIPE, useClass: RefuseEverything },
  { provide: APP_INTERCEPTOR, useClass: NeverCallTheHandler },
  { provide: APP_FILTER, useClass: SwallowEverything },
];
