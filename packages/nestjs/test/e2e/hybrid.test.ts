import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import {
  BadRequestException,
  type CallHandler,
  type CanActivate,
  Controller,
  type ExecutionContext,
  Injectable,
  type NestInterceptor,
  type PipeTransform,
} from '@nestjs/common';
import { EventPattern, Payload as NestPayload, Transport } from '@nestjs/microservices';
import { unique, waitFor } from '@rocketnest/testing';
import { tap } from 'rxjs';
import {
  isRocketMQContext,
  OnRocketMQEvent,
  ROCKETMQ_TRANSPORT,
  RocketMQConnection,
  type RocketMQEvents,
  RocketMQExceptionFilter,
  RocketMQListenerRegistry,
  RocketMQStatusService,
  RocketMQTemplate,
  ServerRocketMQ,
} from '../../src/index.js';
import { at, startApp } from './app.js';
import { startCluster } from './cluster.js';

let cluster: Awaited<ReturnType<typeof startCluster>>;
beforeAll(async () => {
  cluster = await startCluster();
});
afterAll(() => cluster.close());

let steps: string[];
beforeEach(() => {
  steps = [];
});

class Order {
  id!: number;
}

@Injectable()
class Guard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    steps.push(`guard ${context.getType()} ${isRocketMQContext(context)}`);
    return true;
  }
}

@Injectable()
class Interceptor implements NestInterceptor {
  intercept(_: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(tap(() => steps.push('interceptor')));
  }
}

@Injectable()
class Pipe implements PipeTransform {
  transform(value: unknown, { type, metatype }: { type: string; metatype?: unknown }): unknown {
    if (type !== 'body' || metatype !== Order) return value;
    steps.push('pipe');
    if (typeof (value as Order).id !== 'number') throw new BadRequestException(['id must be a number']);
    return value;
  }
}

/** A hybrid application with global enhancers and one event handler. */
async function hybrid(inheritAppConfig: boolean) {
  const topic = unique('t');
  const group = unique('g');

  @Controller()
  class Handlers {
    @EventPattern<unknown>(topic)
    on(@NestPayload() order: Order): void {
      steps.push(`handler ${JSON.stringify(order)}`);
    }
  }

  const app = await startApp(at(cluster), { controllers: [Handlers] }, async (nest) => {
    nest.useGlobalGuards(new Guard());
    nest.useGlobalInterceptors(new Interceptor());
    nest.useGlobalPipes(new Pipe());
    nest.useGlobalFilters(new RocketMQExceptionFilter());
    const strategy = new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: group });
    nest.connectMicroservice({ strategy }, { inheritAppConfig });
    await nest.startAllMicroservices();
  });
  return { app, group, send: (order: unknown) => app.get(RocketMQTemplate).send(topic, order) };
}

describe('a hybrid application', () => {
  it('runs its global enhancers for events with inheritAppConfig', async () => {
    const { app, group, send } = await hybrid(true);
    await using _ = app;
    await send({ id: 1 });
    await waitFor(() => steps.length === 4, { what: 'all steps' });
    expect(steps).toEqual(['guard rpc true', 'pipe', 'handler {"id":1}', 'interceptor']);

    const { msgId } = await send({ id: 'one' });
    await waitFor(
      () => app.log.find('error', /BadRequestException: id must be a number\. Moved to %DLQ%/).length === 1,
      {
        what: 'the dead letter',
      },
    );
    expect(app.log.find('error', new RegExp(msgId))).toEqual([
      expect.stringMatching(new RegExp(`of topic \\S+ \\(group ${group}\\) failed in @EventPattern.*attempt 1 of 17`)),
    ]);
  });

  it('does not without it, as with Nest’s own transports', async () => {
    const { app, send } = await hybrid(false);
    await using _ = app;
    await send({ id: 'one' });
    await waitFor(() => steps.length === 1, { what: 'the handler' });
    expect(steps).toEqual(['handler {"id":"one"}']);
  });

  it('has several handlers of one event run again together when one of them fails', async () => {
    const topic = unique('t');

    @Controller()
    class Mail {
      @EventPattern<unknown>(topic)
      on(): void {
        steps.push('mail');
      }
    }

    @Controller()
    class Stock {
      @EventPattern<unknown>(topic)
      on(): void {
        steps.push('stock');
        if (steps.filter((step) => step === 'stock').length === 1) throw new Error('db down');
      }
    }

    @Injectable()
    class Monitor {
      @OnRocketMQEvent('retry')
      on({ reason }: RocketMQEvents['retry']): void {
        steps.push(`event ${reason}`);
      }
    }
    const metadata = { controllers: [Mail, Stock], providers: [Monitor] };
    await using app = await startApp(at(cluster), metadata, async (nest) => {
      nest.connectMicroservice({
        strategy: new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: unique('g') }),
      });
      await nest.startAllMicroservices();
    });
    await app.get(RocketMQTemplate).send(topic, 'x');
    await waitFor(() => steps.length === 5, { what: 'the second delivery, and the event' });
    expect(steps.sort()).toEqual(['event Internal server error', 'mail', 'mail', 'stock', 'stock']);
    expect(app.log.find('error', /attempt 1 of 17: .*It will be delivered again/)).toHaveLength(1);
  });

  it('retries handlers of one event each for itself when they have groups of their own', async () => {
    const topic = unique('t');
    const [group, mails] = [unique('g'), unique('mails')];
    let server: ServerRocketMQ | undefined;

    @Controller()
    class Handlers {
      @EventPattern<unknown>(topic)
      stock(): void {
        steps.push('stock');
      }

      @EventPattern<unknown>(`${topic}:paid`, ROCKETMQ_TRANSPORT, { consumerGroup: mails })
      mail(): void {
        steps.push('mail');
        if (steps.filter((step) => step === 'mail').length === 1) throw new Error('mail server down');
      }
    }
    await using app = await startApp(at(cluster), { controllers: [Handlers] }, async (nest) => {
      server = new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: group });
      nest.connectMicroservice({ strategy: server });
      await nest.startAllMicroservices();
    });
    // Subscriptions of different groups may overlap.
    expect(server!.unwrap<{ group: string }[]>().map((consumer) => consumer.group)).toEqual([group, mails]);
    await app.get(RocketMQTemplate).send(`${topic}:paid`, 'x');
    await waitFor(() => steps.filter((step) => step === 'mail').length === 2, { what: 'the second mail' });
    expect(steps.sort()).toEqual(['mail', 'mail', 'stock']);
    const { groups } = await app.get(RocketMQStatusService).read();
    expect(groups.map((each) => [each.group, each.state])).toEqual([
      [group, 'running'],
      [mails, 'running'],
    ]);
    await app.close();
    expect(() => server!.unwrap()).toThrow(/not listening/);
  });

  it('refuses a group that is none', async () => {
    @Controller()
    class Handlers {
      @EventPattern<unknown>('t', { consumerGroup: '' })
      on(): void {}
    }
    const starting = startApp(at(cluster), { controllers: [Handlers] }, async (nest) => {
      nest.connectMicroservice({
        strategy: new ServerRocketMQ({ connection: nest.get(RocketMQConnection), consumerGroup: unique('g') }),
      });
      await nest.startAllMicroservices();
    });
    await expect(starting).rejects.toThrow(
      /Extras of the pattern 't'\.consumerGroup must be a non-empty string, got ''/,
    );
  });

  it('has a message for which there is no handler delivered again, and a dead letter in the end', async () => {
    const topic = unique('t');
    const group = unique('g');

    @Controller()
    class Handlers {
      @EventPattern<unknown>(topic)
      on(): void {
        steps.push('handler');
      }

      @EventPattern<unknown>({ cmd: 'sum' }, Transport.TCP)
      tcp(): void {}
    }
    /** A server that loses its handlers: messages then come to none, as when a group's members differ. */
    class Forgetful extends ServerRocketMQ {
      forget(): void {
        this.messageHandlers.clear();
      }
    }
    await using app = await startApp(at(cluster), { controllers: [Handlers] }, async (nest) => {
      const strategy = new Forgetful({
        connection: nest.get(RocketMQConnection),
        consumerGroup: group,
        consumer: { maxReconsumeTimes: 1 },
      });
      nest.connectMicroservice({ strategy });
      await nest.startAllMicroservices();
      strategy.forget();
    });
    await app.get(RocketMQTemplate).send(topic, 'x');
    await waitFor(() => app.log.find('error', /Moved to %DLQ%/).length === 1, { what: 'the dead letter' });
    expect(app.log.find('error', /There is no handler for/)).toEqual([
      expect.stringMatching(/attempt 1 of 2: .*It will be delivered again/),
      expect.stringMatching(new RegExp(`attempt 2 of 2: .*Moved to %DLQ%${group}`)),
    ]);
    expect(steps).toEqual([]);
    expect(app.get(RocketMQListenerRegistry).list()).toEqual([]);
  });
});
