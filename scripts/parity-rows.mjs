// biome-ignore-all lint/suspicious/noTemplateCurlyInString: placeholders and titles as they are written
// The rows of docs/parity.md: what each of the four does.
//
// A cell is [answer, …]. The answer begins with yes, no or partly; words may follow it. null: the question does not arise there.
// - A peer's cell has one source: a file below the `root` of PEERS (or below its repository, with a slash in front), and a line.
// - RocketNest's cell has the tests that show it: 'file: suite > title', the file without '.test.ts' below packages/nestjs/test, or from
//   the repository's root when it begins with packages/ or test/.

/** Whom RocketNest is compared with, and the sources that were read. */
export const PEERS = {
  spring: {
    title: 'rocketmq-spring',
    about:
      'rocketmq-spring-boot-starter 2.3.6-SNAPSHOT (2.3.5 and what was merged since), Apache RocketMQ’s starter for Spring Boot',
    repository: 'https://github.com/apache/rocketmq-spring',
    commit: 'ce5f729705154fe5d12e48ddcd529521725592ee',
    date: '2026-02-10',
    root: 'rocketmq-spring-boot/src/main/java/org/apache/rocketmq/spring/',
  },
  golevelup: {
    title: 'golevelup',
    about: '@golevelup/nestjs-rabbitmq 9.0.2, RabbitMQ',
    repository: 'https://github.com/golevelup/nestjs',
    commit: 'af1c8d735690b2a8c06ef648641f2349420cff03',
    date: '2026-07-01',
    root: 'packages/rabbitmq/src/',
  },
  jetstream: {
    title: 'jetstream',
    about: '@horizon-republic/nestjs-jetstream 2.13.0, NATS JetStream',
    repository: 'https://github.com/HorizonRepublic/nestjs-jetstream',
    commit: '2c53eba348dd1c043de6deea454942a0295f50b5',
    date: '2026-08-12',
    root: 'website/docs/',
  },
};

/** Fields that no release of rocketmq-spring had when its sources were read. */
const AFTER_2_3_5 = new Set(['pullInterval', 'pullBatchSize', 'consumeMessageBatchMaxSize', 'consumeFromWhere']);

export const groups = [
  {
    title: 'Module',
    rows: [
      {
        what: 'set up by options',
        spring: ['yes: auto-configuration from properties', 'autoconfigure/RocketMQAutoConfiguration.java#L91'],
        golevelup: ['yes: `forRoot`', 'rabbitmq-module-definition.ts#L6'],
        jetstream: ['yes: `forRoot`', 'reference/module-configuration.md#L21'],
        nest: [
          'yes: `forRoot`',
          'e2e/listeners: listeners > a decorated class gets the decoded payload and the context',
        ],
      },
      {
        what: '`forRootAsync` with `useFactory`, `useClass`, `useExisting`',
        spring: null,
        golevelup: ['yes', 'rabbitmq-module-definition.ts#L5'],
        jetstream: ['yes', 'reference/module-configuration.md#L70'],
        nest: ['yes', 'e2e/module: RocketMQModule > takes its options from %s'],
      },
      {
        what: '`isGlobal`',
        spring: null,
        golevelup: ['no: import or re-export the module', 'rabbitmq-module-definition.ts#L7'],
        jetstream: ['partly: always global', '/src/jetstream.module.ts#L182'],
        nest: [
          'yes',
          'e2e/parity-listeners: isGlobal: false > gives the template to the modules that import RocketMQModule, and to no other',
        ],
      },
      {
        what: 'several named connections',
        spring: ['yes: a subclass of the template for each', 'annotation/ExtRocketMQTemplateConfiguration.java#L31'],
        golevelup: ['yes', 'amqp/connectionManager.ts#L3'],
        jetstream: ['yes', 'reference/module-configuration.md#L244'],
        nest: [
          'yes',
          'e2e/connections: several connections > each have their cluster, template and listeners, also with the same group and topic',
        ],
      },
      {
        what: '`forFeature`',
        spring: null,
        golevelup: ['no', 'rabbitmq.module.ts#L139'],
        jetstream: ['yes: a client per service', 'reference/module-configuration.md#L132'],
        nest: [
          'partly: topics; clients come from `ClientsModule`',
          'e2e/topics: declared topics > may be declared by the modules that use them',
        ],
      },
      {
        what: 'options checked at boot, with the path of the bad key',
        spring: ['partly: what is required', 'autoconfigure/RocketMQAutoConfiguration.java#L95'],
        golevelup: ['partly: URIs', 'amqp/utils.ts#L40'],
        jetstream: ['partly: connections', '/src/connection/connection-options.ts#L133'],
        nest: [
          'yes',
          'e2e/module: RocketMQModule > names the path of a bad option that a factory made',
          'options: module options > refuses %p',
        ],
      },
      {
        what: 'servers are away at start-up: fail, wait, or start in the background',
        spring: ['no: starts, and goes on trying', 'support/DefaultRocketMQListenerContainer.java#L394'],
        golevelup: ['yes: `connectionInitOptions`', 'rabbitmq.interfaces.ts#L173'],
        jetstream: ['partly: fails; `critical: false` starts in the background', 'reference/edge-cases.md#L63'],
        nest: [
          'yes: `startMode`',
          'e2e/startup-errors: the application does not start > when no name server answers, and says where it looked',
          'e2e/lifecycle: start-up > waits for a name server in wait mode',
          'e2e/lifecycle: start-up > starts without a name server in background mode, and consumes once there is one',
        ],
      },
      {
        what: 'a connection that is not critical degrades health only',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L33'],
        golevelup: ['no: no health check', 'rabbitmq.interfaces.ts#L233'],
        jetstream: ['yes: `critical: false`', 'guides/health-checks.md#L54'],
        nest: [
          'yes: `optional`, `degraded`',
          'e2e/health-optional: an optional connection that is not there, and its groups, degrade health and fail nothing',
        ],
      },
      {
        what: 'topics declared: created, verified, or left alone',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L57'],
        golevelup: ['yes: exchanges and queues are asserted or checked', 'rabbitmq.interfaces.ts#L14'],
        jetstream: ['yes: `management: Auto` or `Manual`', 'reference/module-configuration.md#L295'],
        nest: [
          'yes',
          'e2e/topics: declared topics > are created before a consumer starts or a message is sent',
          'e2e/topics: declared topics > stop the application from starting when they are only verified: missing ones, with names that are near, and different ones',
        ],
      },
      {
        what: 'a broker inside the process, for development',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L33'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L233'],
        jetstream: ['no', 'reference/module-configuration.md#L217'],
        nest: [
          'yes: `embedded: true`',
          'e2e/lifecycle: embedded: true > needs no cluster: name server and broker live and die with the application',
        ],
      },
      {
        what: 'switched off, or sending only, in a process',
        spring: ['yes: by listener, `rocketmq.consumer.listeners`', 'autoconfigure/RocketMQProperties.java#L491'],
        golevelup: ['yes: `registerHandlers: false`', 'rabbitmq.interfaces.ts#L249'],
        jetstream: ['yes: `consumer: false`', 'reference/edge-cases.md#L33'],
        nest: [
          'yes: `enabled`, of the module and of each listener',
          'e2e/startup-errors: enabled: false > starts nothing, and the template says why it cannot send',
          'e2e/listeners: listeners > values come from the configuration, and a disabled listener does not exist',
        ],
      },
      {
        what: 'two applications in one process',
        spring: null,
        golevelup: ['no: a static flag lets the first one bind', 'rabbitmq.module.ts#L105'],
        jetstream: ['yes: no static state', '/src/jetstream.module.ts#L177'],
        nest: [
          'yes',
          'e2e/module: RocketMQModule > has two applications with brokers of their own in one process',
          'e2e/lifecycle: two applications in one process > do not know of each other',
        ],
      },
    ],
  },
  {
    title: 'Listeners',
    rows: [
      {
        what: 'a class that implements an interface',
        spring: ['yes', 'core/RocketMQListener.java#L20'],
        golevelup: ['no', 'rabbitmq.decorators.ts#L35'],
        jetstream: ['no: `@EventPattern` on methods', 'patterns/events.md#L76'],
        nest: ['yes', 'e2e/listeners: listeners > a decorated class gets the decoded payload and the context'],
      },
      {
        what: 'any method of a provider',
        spring: ['no: classes only', 'annotation/RocketMQMessageListener.java#L29'],
        golevelup: ['yes', 'rabbitmq.decorators.ts#L35'],
        jetstream: ['no: Nest looks for patterns in controllers', 'patterns/events.md#L76'],
        nest: [
          'yes',
          'e2e/listeners: listeners > methods of providers and controllers listen too, with decorated parameters',
        ],
      },
      {
        what: 'methods of controllers',
        spring: null,
        golevelup: ['yes: with `enableControllerDiscovery`', 'rabbitmq.interfaces.ts#L251'],
        jetstream: ['yes', 'patterns/events.md#L76'],
        nest: [
          'yes',
          'e2e/listeners: listeners > methods of providers and controllers listen too, with decorated parameters',
        ],
      },
      {
        what: 'one handler for several topics',
        spring: ['no: one topic', 'annotation/RocketMQMessageListener.java#L52'],
        golevelup: ['yes: `bindings`', 'rabbitmq.interfaces.ts#L136'],
        jetstream: ['partly: what Nest’s patterns allow', 'patterns/events.md#L125'],
        nest: [
          'yes: the decorator once for each',
          'e2e/parity-listeners: a method with the decorator twice > listens to both topics',
        ],
      },
      {
        what: 'names from the configuration in decorators',
        spring: [
          'partly: `${…}` in the fields that are text',
          'support/RocketMQMessageListenerContainerRegistrar.java#L82',
        ],
        golevelup: ['partly: a map `handlers` in the module’s options', 'rabbitmq.interfaces.ts#L262'],
        jetstream: ['no', 'patterns/events.md#L125'],
        nest: [
          'yes: every field, `${key:default}` or a function',
          'e2e/listeners: listeners > values come from the configuration, and a disabled listener does not exist',
          'values: ValueResolver > names the listener, the text and the key when a key is unknown',
        ],
      },
      {
        what: 'listeners of one group share a consumer with several subscriptions',
        spring: [
          'no: a consumer each; different subscriptions lose messages',
          'support/RocketMQMessageListenerContainerRegistrar.java#L101',
        ],
        golevelup: ['partly: RPC handlers of one queue', 'amqp/connection.ts#L804'],
        jetstream: ['yes: one consumer per service and kind', 'patterns/events.md#L104'],
        nest: [
          'yes',
          'e2e/listeners: listeners > listeners of one group share a consumer: each message goes to the one whose tag it has',
        ],
      },
      {
        what: 'contradictions within a group stop the start, and name both listeners',
        spring: ['no', 'support/RocketMQMessageListenerContainerRegistrar.java#L161'],
        golevelup: ['partly: RPC handlers of one queue', 'amqp/connection.ts#L804'],
        jetstream: ['yes: settings belong to the module', 'patterns/events.md#L104'],
        nest: [
          'yes',
          'e2e/startup-errors: the application does not start > with two listeners of one group that want the same messages',
          'listeners/plan: planConsumers > refuses settings that differ within a group, naming both and the values',
        ],
      },
      {
        what: 'batch listener: the handler gets arrays',
        spring: [
          'no: `consumeMessageBatchMaxSize` calls the listener one by one',
          'support/DefaultRocketMQListenerContainer.java#L469',
        ],
        golevelup: ['yes', 'rabbitmq.interfaces.ts#L316'],
        jetstream: ['no', 'patterns/events.md#L125'],
        nest: ['yes', 'e2e/batch: a batch listener > gets arrays of payloads and contexts, at most as many as it says'],
      },
      {
        what: 'batch: a result for each message',
        spring: ['no: one failure repeats the batch', 'support/DefaultRocketMQListenerContainer.java#L480'],
        golevelup: ['no: one for all', 'amqp/connection.ts#L728'],
        jetstream: ['no', 'patterns/events.md#L125'],
        nest: ['yes', 'e2e/batch: a batch listener > says for each message what becomes of it'],
      },
      {
        what: 'batch: waits until it is full, or for a time',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L192'],
        golevelup: ['yes: `timeout`', 'rabbitmq.interfaces.ts#L329'],
        jetstream: ['no', 'patterns/events.md#L125'],
        nest: ['no: a batch is what a queue has'],
      },
      {
        what: 'reply listener',
        spring: ['yes', 'core/RocketMQReplyListener.java#L26'],
        golevelup: ['yes: `@RabbitRPC`', 'rabbitmq.decorators.ts#L37'],
        jetstream: ['yes: `@MessagePattern`', 'patterns/rpc.md#L14'],
        nest: ['yes', 'e2e/reply: RocketMQReplyListener > sends what onMessage returns'],
      },
      {
        what: 'dead letter listener, with the reason',
        spring: ['partly: listen to `%DLQ%group`; no reason', 'annotation/RocketMQMessageListener.java#L52'],
        golevelup: ['partly: bind a queue to the dead letter exchange; no reason', 'rabbitmq.interfaces.ts#L71'],
        jetstream: ['partly: a callback, and a stream with the reason in headers', 'guides/dead-letter-queue.md#L80'],
        nest: ['yes', 'e2e/dead-letters: RocketMQDlqListener > gets what failed too often, with the last error'],
      },
      {
        what: 'a “Mapped …” line in the log for each listener',
        spring: ['yes', 'support/DefaultRocketMQListenerContainer.java#L400'],
        golevelup: ['yes', 'rabbitmq.module.ts#L183'],
        jetstream: ['partly: at debug level, and totals', '/src/server/routing/pattern-registry.ts#L79'],
        nest: [
          'yes',
          'e2e/listeners: listeners > listeners of one group share a consumer: each message goes to the one whose tag it has',
        ],
      },
      {
        what: 'registry to pause, resume, stop and start at run time',
        spring: ['partly: `stop` and `start` of the container', 'support/DefaultRocketMQListenerContainer.java#L404'],
        golevelup: ['partly: `cancelConsumer`, `resumeConsumer`', 'amqp/connection.ts#L1231'],
        jetstream: ['no', 'reference/module-configuration.md#L217'],
        nest: ['yes', 'e2e/listeners: listeners > the registry pauses, resumes, stops and starts a group'],
      },
      {
        what: '`autoStartup: false` for one listener',
        spring: ['no: always true', 'support/DefaultRocketMQListenerContainer.java#L377'],
        golevelup: ['no: all handlers or none', 'rabbitmq.interfaces.ts#L249'],
        jetstream: ['no: all handlers or none', 'reference/edge-cases.md#L33'],
        nest: ['yes', 'e2e/listeners: listeners > the registry pauses, resumes, stops and starts a group'],
      },
      {
        what: 'concurrency of its own',
        spring: ['yes: threads', 'annotation/RocketMQMessageListener.java#L87'],
        golevelup: ['partly: by channel, `prefetchCount`', 'rabbitmq.interfaces.ts#L303'],
        jetstream: ['partly: by kind of event', 'reference/module-configuration.md#L343'],
        nest: [
          'yes: by group',
          'e2e/listener-options: RocketMQListenerRegistry > lets no more handlers run than the concurrency that was set',
        ],
      },
      {
        what: 'concurrency changed while it runs',
        spring: ['partly: `getConsumer().updateCorePoolSize`', 'support/DefaultRocketMQListenerContainer.java#L310'],
        golevelup: ['no', 'amqp/connection.ts#L347'],
        jetstream: ['no', 'reference/module-configuration.md#L343'],
        nest: [
          'yes',
          'e2e/listener-options: RocketMQListenerRegistry > changes concurrency and rate while the group runs, and they stay over a stop',
        ],
      },
      {
        what: 'rate limit',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L87'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L64'],
        jetstream: ['no', 'reference/module-configuration.md#L334'],
        nest: [
          'yes',
          'packages/client/test/consumer/rate-limit: a rate limit > holds no more than a tenth of a second back for later',
          'e2e/listener-options: options of the consumer > pullInterval, consumeThreadMax, rateLimit and others reach the client',
        ],
      },
      {
        what: 'in order',
        spring: ['yes: `ORDERLY`', 'annotation/ConsumeMode.java#L29'],
        golevelup: ['partly: `prefetchCount: 1`', 'rabbitmq.interfaces.ts#L303'],
        jetstream: ['partly: at most once, without retries', 'patterns/ordered-events.md#L29'],
        nest: [
          'yes: `ORDERLY`',
          'e2e/outcomes: ORDERLY > repeats a failed message before the next one, after suspendCurrentQueueTimeMillis',
        ],
      },
      {
        what: 'to every instance',
        spring: ['yes: `BROADCASTING`', 'annotation/MessageModel.java#L21'],
        golevelup: ['yes: no queue name', '/docs/modules/rabbitmq.md#L737'],
        jetstream: ['partly: to every service', 'patterns/broadcast.md#L34'],
        nest: ['yes: `BROADCASTING`', 'e2e/outcomes: BROADCASTING > gives every instance every message, once'],
      },
      {
        what: 'a new group begins at the first or last message, or at a moment',
        spring: ['partly: no moment; new after 2.3.5', 'annotation/RocketMQMessageListener.java#L197'],
        golevelup: null,
        jetstream: ['partly: ordered events', 'patterns/ordered-events.md#L113'],
        nest: [
          'yes',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > consumeFromWhere and consumeFromTimestamp say where a new group begins',
        ],
      },
      {
        what: 'events of consumers for the application',
        spring: ['no', 'support/RocketMQConsumerLifecycleListener.java#L20'],
        golevelup: ['partly: those of the managed connection', 'amqp/connection.ts#L192'],
        jetstream: ['yes: hooks', 'guides/lifecycle-hooks.md#L21'],
        nest: [
          'yes: `@OnRocketMQEvent`',
          'e2e/events: OnRocketMQEvent > hears of retries, dead letters and queues, whatever other subscribers throw',
        ],
      },
      {
        what: 'the consumer itself, before it starts',
        spring: ['yes: `prepareStart(consumer)`', 'support/RocketMQConsumerLifecycleListener.java#L21'],
        golevelup: ['partly: consumer options', 'rabbitmq.interfaces.ts#L85'],
        jetstream: ['partly: consumer options', 'reference/module-configuration.md#L341'],
        nest: [
          'partly: `consumer` options',
          'e2e/listener-options: options of the consumer > pullInterval, consumeThreadMax, rateLimit and others reach the client',
        ],
      },
    ],
  },
  {
    title: 'What becomes of a message',
    rows: [
      {
        what: 'acknowledged only after the handler’s promise resolves',
        spring: ['yes: when `onMessage` returns', 'support/DefaultRocketMQListenerContainer.java#L474'],
        golevelup: ['yes', 'amqp/connection.ts#L615'],
        jetstream: ['yes', 'patterns/events.md#L148'],
        nest: [
          'yes',
          'e2e/outcomes: a handler that fails > may be asynchronous: the message is consumed when its promise resolves, not before',
        ],
      },
      {
        what: 'a throw is logged with what is needed to find the message',
        spring: ['yes', 'support/DefaultRocketMQListenerContainer.java#L478'],
        golevelup: ['partly: the handler, not the message', 'amqp/connection.ts#L621'],
        jetstream: ['partly: an `Error` hook; no log without it', 'guides/lifecycle-hooks.md#L200'],
        nest: [
          'yes',
          'e2e/outcomes: a handler that fails > gets the message again, and the failure is logged with everything needed to find it',
        ],
      },
      {
        what: 'bounded retries, then dead letters, by default',
        spring: ['yes: 16', 'annotation/RocketMQMessageListener.java#L95'],
        golevelup: ['no: requeued at once, for ever', 'amqp/connection.ts#L109'],
        jetstream: ['yes: 3 deliveries', 'guides/dead-letter-queue.md#L19'],
        nest: [
          'yes: 16',
          'e2e/outcomes: a handler that fails > is left alone after maxReconsumeTimes',
          'testing/fake: the fake > gives up after Apache’s sixteen retries, whose delays take under five hours',
        ],
      },
      {
        what: 'returned: again later, after a delay that the handler chooses',
        spring: ['no: throw; the delay is the listener’s', 'annotation/RocketMQMessageListener.java#L159'],
        golevelup: ['partly: `Nack(true)`, at once', 'amqp/handlerResponses.ts#L1'],
        jetstream: ['yes: `ctx.retry({ delayMs })`', 'guides/handler-context.md#L97'],
        nest: [
          'yes: `ConsumeResult.retryIn(level)`',
          'e2e/outcomes: ConsumeResult > retryIn delivers again without an error in the log',
        ],
      },
      {
        what: 'returned: to the dead letters, now, with a reason',
        spring: ['no', 'support/DefaultRocketMQListenerContainer.java#L480'],
        golevelup: [
          'partly: `Nack()`, where the queue has a dead letter exchange; no reason',
          'amqp/handlerResponses.ts#L1',
        ],
        jetstream: ['no: `ctx.terminate(reason)` drops it', 'guides/handler-context.md#L162'],
        nest: [
          'yes: `ConsumeResult.deadLetter(reason)`',
          'e2e/outcomes: ConsumeResult > deadLetter gives up, and logs the reason',
        ],
      },
      {
        what: 'returned: hold an orderly queue for a while',
        spring: ['no: throw; the time is the listener’s', 'annotation/RocketMQMessageListener.java#L166'],
        golevelup: null,
        jetstream: ['no', 'patterns/ordered-events.md#L29'],
        nest: [
          'yes: `ConsumeResult.suspend(ms)`',
          'e2e/outcomes: ConsumeResult > suspend holds an orderly queue, so that nothing overtakes',
        ],
      },
      {
        what: 'an error that must not be repeated',
        spring: [
          'no: `delayLevelWhenNextConsume = -1` for all errors of a listener',
          'annotation/RocketMQMessageListener.java#L159',
        ],
        golevelup: ['partly: `errorHandler` decides', 'rabbitmq.interfaces.ts#L147'],
        jetstream: ['no', 'patterns/events.md#L324'],
        nest: [
          'yes: `NonRetryableError`',
          'e2e/pipeline: a message that can never succeed goes to the dead letter topic at once > when the handler throws NonRetryableError',
        ],
      },
      {
        what: 'refused by a validation pipe: dead letter once, with the reason',
        spring: null,
        golevelup: ['no: like any error, requeued', 'amqp/connection.ts#L632'],
        jetstream: ['no: like any error, retried', 'patterns/events.md#L148'],
        nest: [
          'yes',
          'e2e/pipeline: a message that can never succeed goes to the dead letter topic at once > when a pipe refuses it',
        ],
      },
      {
        what: 'refused by a guard: dead letter once, with the reason',
        spring: null,
        golevelup: ['no: like any error, requeued', 'amqp/connection.ts#L632'],
        jetstream: ['no: like any error, retried', 'patterns/events.md#L148'],
        nest: [
          'yes',
          'e2e/pipeline: a message that can never succeed goes to the dead letter topic at once > when a guard refuses it',
        ],
      },
      {
        what: 'a body that cannot be decoded: dead letter once, bytes kept',
        spring: ['no: retried 16 times', 'support/DefaultRocketMQListenerContainer.java#L602'],
        golevelup: ['no: like any error, requeued', 'amqp/connection.ts#L597'],
        jetstream: ['yes', 'guides/dead-letter-queue.md#L26'],
        nest: [
          'yes',
          'e2e/pipeline: a message that can never succeed goes to the dead letter topic at once > when its body is not JSON though it says so',
        ],
      },
      {
        what: 'a handler that takes longer than the broker waits',
        spring: ['yes: `consumeTimeout`', 'annotation/RocketMQMessageListener.java#L100'],
        golevelup: ['no: RabbitMQ’s `consumer_timeout`', 'rabbitmq.interfaces.ts#L64'],
        jetstream: ['yes: `ackExtension` goes on waiting', 'guides/performance.md#L79'],
        nest: [
          'partly: `consumeTimeout`; a handler cannot extend it',
          'packages/client/test/consumer/retry: retry > sends a message back whose handler runs longer than the consume timeout, and commits past it',
        ],
      },
    ],
  },
  {
    title: 'Fields of `@RocketMQMessageListener`, by rocketmq-spring’s names',
    note: 'For the others: what comes nearest.',
    rows: [
      [
        'consumerGroup',
        47,
        ['yes: `queue`', 'rabbitmq.interfaces.ts#L137'],
        ['partly: the service’s `name`', 'patterns/events.md#L104'],
        [
          'yes',
          'e2e/listeners: listeners > listeners of one group share a consumer: each message goes to the one whose tag it has',
        ],
      ],
      [
        'topic',
        52,
        ['yes: `exchange`, `routingKey`', 'rabbitmq.interfaces.ts#L23'],
        ['yes: the pattern', 'patterns/events.md#L76'],
        ['yes', 'e2e/listeners: listeners > a decorated class gets the decoded payload and the context'],
      ],
      [
        'selectorType',
        59,
        ['no', 'rabbitmq.interfaces.ts#L108'],
        ['no', 'patterns/events.md#L125'],
        [
          'yes: `TAG`, `SQL92`',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > selectorType SQL92 has the broker filter by headers',
        ],
      ],
      [
        'selectorExpression',
        64,
        ['partly: routing keys with `*` and `#`', 'amqp/utils.ts#L4'],
        ['partly: subjects with wildcards', 'reference/naming-conventions.md#L140'],
        [
          'yes',
          'e2e/listeners: listeners > listeners of one group share a consumer: each message goes to the one whose tag it has',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > selectorType SQL92 has the broker filter by headers',
        ],
      ],
      [
        'consumeMode',
        69,
        null,
        ['partly: `ordered: true`', 'patterns/ordered-events.md#L46'],
        [
          'yes',
          'e2e/outcomes: ORDERLY > repeats a failed message before the next one, after suspendCurrentQueueTimeMillis',
        ],
      ],
      [
        'messageModel',
        74,
        ['partly: no queue name', '/docs/modules/rabbitmq.md#L737'],
        ['partly: `broadcast: true`', 'patterns/broadcast.md#L34'],
        ['yes', 'e2e/outcomes: BROADCASTING > gives every instance every message, once'],
      ],
      [
        'consumeThreadMax',
        82,
        null,
        null,
        [
          'yes: caps `consumeThreadNumber`',
          'e2e/listener-options: options of the consumer > pullInterval, consumeThreadMax, rateLimit and others reach the client',
        ],
      ],
      [
        'consumeThreadNumber',
        87,
        ['partly: `prefetchCount`', 'rabbitmq.interfaces.ts#L303'],
        ['partly: `concurrency`', 'reference/module-configuration.md#L343'],
        [
          'yes: handlers at a time',
          'e2e/listener-options: RocketMQListenerRegistry > lets no more handlers run than the concurrency that was set',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > consumeTimeout, pullBatchSize, awaitTerminationMillisWhenShutdown and others reach the client',
        ],
      ],
      [
        'maxReconsumeTimes',
        95,
        null,
        ['yes: `max_deliver`', 'patterns/events.md#L288'],
        ['yes', 'e2e/outcomes: a handler that fails > is left alone after maxReconsumeTimes'],
      ],
      [
        'consumeTimeout',
        100,
        null,
        ['yes: `ack_wait`', 'patterns/events.md#L288'],
        [
          'yes',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > consumeTimeout, pullBatchSize, awaitTerminationMillisWhenShutdown and others reach the client',
          'packages/client/test/consumer/retry: retry > sends a message back whose handler runs longer than the consume timeout, and commits past it',
        ],
      ],
      [
        'replyTimeout',
        105,
        null,
        ['partly: `rpc.timeout`', 'reference/module-configuration.md#L304'],
        [
          'yes: of reply listeners',
          'e2e/reply: start-up > fails with %p',
          'e2e/reply: RocketMQReplyListener > sends what onMessage returns',
        ],
      ],
      [
        'accessKey, secretKey',
        110,
        ['partly: in the connection’s `uri`', 'rabbitmq.interfaces.ts#L235'],
        ['partly: of the connection', 'reference/module-configuration.md#L393'],
        [
          'yes',
          'e2e/listener-options: a group with connections of its own > signs its requests with its own key, and says namespaceV2 in them',
        ],
      ],
      [
        'enableMsgTrace',
        120,
        null,
        null,
        ['yes', 'e2e/listener-options: options of the consumer > enableMsgTrace writes records that consoles find'],
      ],
      [
        'customizedTraceTopic',
        125,
        null,
        null,
        [
          'yes',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > customizedTraceTopic is where enableMsgTrace writes',
        ],
      ],
      [
        'nameServer',
        130,
        ['yes: `connection`', 'rabbitmq.interfaces.ts#L114'],
        ['yes: `connection`', 'guides/multi-connection.md#L3'],
        ['yes', 'e2e/listener-options: a group with connections of its own > may read from other name servers'],
      ],
      [
        'accessChannel',
        135,
        null,
        null,
        [
          'partly: `LOCAL`; `CLOUD` is refused',
          'listeners/listener-options: what rocketmq-spring’s annotation has > refuses %p',
        ],
      ],
      [
        'tlsEnable',
        140,
        ['partly: of the connection', 'rabbitmq.interfaces.ts#L248'],
        ['partly: of the connection', 'reference/module-configuration.md#L401'],
        ['yes', 'e2e/listener-options: a group with connections of its own > speaks TLS when it is told to'],
      ],
      [
        'namespace',
        145,
        ['partly: the virtual host in `uri`', 'rabbitmq.interfaces.ts#L235'],
        ['partly: `subjectPrefix`', 'reference/module-configuration.md#L349'],
        ['yes', 'e2e/listener-options: a group with connections of its own > may live in a namespace'],
      ],
      [
        'namespaceV2',
        150,
        null,
        null,
        [
          'yes',
          'e2e/listener-options: a group with connections of its own > signs its requests with its own key, and says namespaceV2 in them',
        ],
      ],
      [
        'delayLevelWhenNextConsume',
        159,
        null,
        ['yes: `retry`, milliseconds', 'reference/module-configuration.md#L282'],
        [
          'yes',
          'e2e/outcomes: a handler that fails > goes to the dead letter topic at once with delayLevelWhenNextConsume -1',
        ],
      ],
      [
        'suspendCurrentQueueTimeMillis',
        166,
        null,
        null,
        [
          'yes',
          'e2e/outcomes: ORDERLY > repeats a failed message before the next one, after suspendCurrentQueueTimeMillis',
        ],
      ],
      [
        'awaitTerminationMillisWhenShutdown',
        172,
        null,
        ['no: handlers are not awaited', 'guides/graceful-shutdown.md#L48'],
        [
          'yes',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > consumeTimeout, pullBatchSize, awaitTerminationMillisWhenShutdown and others reach the client',
        ],
      ],
      [
        'instanceName',
        177,
        ['partly: `consumerTag`', 'rabbitmq.interfaces.ts#L33'],
        null,
        ['yes', 'e2e/listener-options: a group with connections of its own > has the instance name it asks for'],
      ],
      [
        'pullInterval',
        182,
        null,
        null,
        [
          'yes',
          'e2e/listener-options: options of the consumer > pullInterval, consumeThreadMax, rateLimit and others reach the client',
        ],
      ],
      [
        'pullBatchSize',
        187,
        ['partly: `prefetchCount`', 'rabbitmq.interfaces.ts#L303'],
        ['partly: `consume` options', 'reference/module-configuration.md#L342'],
        [
          'yes',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > consumeTimeout, pullBatchSize, awaitTerminationMillisWhenShutdown and others reach the client',
        ],
      ],
      [
        'consumeMessageBatchMaxSize',
        192,
        ['yes: `batchOptions.size`', 'rabbitmq.interfaces.ts#L316'],
        null,
        [
          'yes: each message has its own outcome',
          'e2e/batch: consumeMessageBatchMaxSize without batch > hands messages over one after the other, and only those that failed come again',
        ],
      ],
      [
        'consumeFromWhere',
        197,
        null,
        ['partly: `deliverPolicy`, ordered events', 'patterns/ordered-events.md#L113'],
        [
          'yes',
          'e2e/parity-listeners: fields of rocketmq-spring’s annotation > consumeFromWhere and consumeFromTimestamp say where a new group begins',
        ],
      ],
    ].map(([field, line, golevelup, jetstream, nest]) => ({
      what: field
        .split(', ')
        .map((name) => `\`${name}\``)
        .join(', '),
      spring: [AFTER_2_3_5.has(field) ? 'yes: after 2.3.5' : 'yes', `annotation/RocketMQMessageListener.java#L${line}`],
      golevelup,
      jetstream,
      nest,
    })),
  },
  {
    title: 'Around a handler',
    rows: [
      {
        what: 'guards, pipes, interceptors and filters of class and method',
        spring: ['no: no interceptor for listeners', 'support/DefaultRocketMQListenerContainer.java#L512'],
        golevelup: ['yes', 'rabbitmq.module.ts#L274'],
        jetstream: ['yes: Nest’s own', 'patterns/rpc.md#L201'],
        nest: [
          'yes',
          'e2e/pipeline: a handler runs through Nest’s pipeline > guard, interceptor, pipe, handler, interceptor, with the rocketmq context type',
        ],
      },
      {
        what: 'global enhancers, written for HTTP, do not meet messages unless asked to',
        spring: null,
        golevelup: ['no: they run', '/docs/modules/rabbitmq.md#L113'],
        jetstream: ['yes: `inheritAppConfig`', 'getting-started/quick-start.md#L73'],
        nest: [
          'yes: `globalEnhancers`, also by kind',
          'e2e/pipeline: global enhancers > do not run by default: they are written for HTTP',
          'e2e/pipeline: global enhancers > only the kinds that were chosen run',
        ],
      },
      {
        what: 'a context type of its own',
        spring: null,
        golevelup: ['yes: `rmq`, `isRabbitContext`', 'rabbitmq.helpers.ts#L4'],
        jetstream: ['partly: `rpc`, as all transports', '/src/context/rpc.context.ts#L36'],
        nest: [
          'yes: `rocketmq`, `isRocketMQContext`',
          'e2e/pipeline: a handler runs through Nest’s pipeline > guard, interceptor, pipe, handler, interceptor, with the rocketmq context type',
          'e2e/transport: ServerRocketMQ > runs two handlers of one pattern, and guards know where they are',
        ],
      },
      {
        what: 'a filter can deal with a failure',
        spring: null,
        golevelup: ['yes', 'rabbitmq.module.ts#L274'],
        jetstream: ['yes', 'patterns/rpc.md#L201'],
        nest: [
          'yes',
          'e2e/pipeline: a handler runs through Nest’s pipeline > a filter that returns something has handled the failure: the message is consumed',
        ],
      },
      {
        what: 'the payload as a DTO, for ValidationPipe',
        spring: ['partly: converted to the type; not validated', 'support/DefaultRocketMQListenerContainer.java#L582'],
        golevelup: ['yes: `@RabbitPayload`', 'rabbitmq.decorators.ts#L67'],
        jetstream: ['yes: `@Payload`', 'patterns/events.md#L76'],
        nest: [
          'yes: also undecorated, with `payloadType`',
          'e2e/pipeline: a handler runs through Nest’s pipeline > pipes run for undecorated parameters too, with their types',
        ],
      },
      {
        what: '`@Payload`, `@Headers`, `@Keys`, `@Tag`, `@MessageId`, `@ReconsumeTimes`, `@Ctx`',
        spring: ['partly: a `MessageExt`', 'support/DefaultRocketMQListenerContainer.java#L583'],
        golevelup: ['partly: `@RabbitPayload`, `@RabbitHeader`, `@RabbitRequest`', 'rabbitmq.decorators.ts#L86'],
        jetstream: ['partly: `@Payload`, `@Ctx` with accessors', 'guides/handler-context.md#L46'],
        nest: [
          'yes',
          'e2e/listeners: listeners > methods of providers and controllers listen too, with decorated parameters',
        ],
      },
      {
        what: 'request-scoped providers, new for each message',
        spring: null,
        golevelup: ['no: one instance is bound at start', 'rabbitmq.module.ts#L280'],
        jetstream: ['yes: Nest’s own', '/src/server/strategy.ts#L29'],
        nest: [
          'yes',
          'e2e/pipeline: request scope > gives every message its own providers, also those of a guard, and REQUEST is the context',
          'e2e/pipeline: request scope > works for controllers and request-scoped global guards',
        ],
      },
      {
        what: 'AsyncLocalStorage from the guard to the handler',
        spring: null,
        golevelup: ['no: an interceptor, after the guards', 'rabbitmq.module.ts#L274'],
        jetstream: ['partly: OpenTelemetry’s context', 'observability/tracing.md#L74'],
        nest: [
          'yes: an instrumentation',
          'e2e/discard: AsyncLocalStorage > set up by an instrumentation holds in guards, interceptors, the handler and what it sends',
        ],
      },
      {
        what: 'one hook around every handler and every send',
        spring: [
          'partly: hooks of the Java client, in `prepareStart`',
          'support/RocketMQConsumerLifecycleListener.java#L21',
        ],
        golevelup: ['partly: interceptors; none for sends', '/docs/modules/rabbitmq.md#L111'],
        jetstream: ['partly: hooks tell, they do not wrap', 'guides/lifecycle-hooks.md#L21'],
        nest: [
          'yes: `instrumentations`',
          'operations/instrumentation: ConsumeWatch > runs handlers within the instrumentations, the first one outermost',
          'operations/instrumentation: sends > have the hooks of the user and of the instrumentations, in this order',
        ],
      },
      {
        what: 'serializer and deserializer of the module',
        spring: ['yes: a `MessageConverter` bean', 'autoconfigure/MessageConverterConfiguration.java#L33'],
        golevelup: ['yes', 'rabbitmq.interfaces.ts#L283'],
        jetstream: ['yes: `codec`, with MessagePack', 'guides/custom-codec.md#L161'],
        nest: [
          'yes',
          'e2e/parity-listeners: serializers > of the module write and read what the application sends and gets',
        ],
      },
      {
        what: 'deserializer of one listener',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L32'],
        golevelup: ['yes', 'rabbitmq.interfaces.ts#L163'],
        jetstream: ['no: of a client or a connection', 'guides/custom-codec.md#L194'],
        nest: ['yes', 'e2e/parity-listeners: serializers > of a listener read what others wrote for it alone'],
      },
    ],
  },
  {
    title: 'Methods of `RocketMQTemplate`, by rocketmq-spring’s names',
    note: 'For the others: what comes nearest. Every method of RocketNest returns a promise.',
    rows: [
      [
        'syncSend(destination, payload)',
        710,
        ['yes: `publish`', 'amqp/connection.ts#L1034'],
        ['yes: `emit`', 'patterns/events.md#L44'],
        ['yes', 'e2e/template: RocketMQTemplate > knows rocketmq-spring’s names'],
      ],
      [
        'syncSend(…, timeout, delayLevel)',
        680,
        ['no', 'amqp/connection.ts#L1034'],
        ['partly: `scheduleAt`', 'guides/scheduling.md#L14'],
        ['yes', 'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > %s delays by a second'],
      ],
      [
        'syncSend(destination, Collection)',
        497,
        ['no', 'amqp/connection.ts#L1034'],
        ['no', 'guides/record-builder.md#L21'],
        ['yes: `sendBatch`', 'e2e/template: RocketMQTemplate > sends a batch, whose records have keys of their own'],
      ],
      [
        'syncSendOrderly(…, hashKey, timeout, delayLevel)',
        762,
        ['no', 'amqp/connection.ts#L1034'],
        ['partly: `ordered:` patterns', 'patterns/ordered-events.md#L46'],
        [
          'yes',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > %s delays by a second',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > one key, one queue, whichever …Orderly method sends it, and sendBatch for collections',
        ],
      ],
      [
        'syncSendOrderly(destination, Collection, hashKey)',
        819,
        null,
        null,
        [
          'yes: `sendBatch` with `shardingKey`',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > one key, one queue, whichever …Orderly method sends it, and sendBatch for collections',
        ],
      ],
      [
        'syncSendDelayTimeSeconds',
        560,
        null,
        null,
        ['yes', 'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > %s delays by a second'],
      ],
      [
        'syncSendDelayTimeMills',
        587,
        null,
        null,
        ['yes', 'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > %s delays by a second'],
      ],
      [
        'syncSendDeliverTimeMills',
        615,
        null,
        ['yes: `scheduleAt`', 'guides/scheduling.md#L14'],
        ['yes', 'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > %s delays by a second'],
      ],
      [
        'asyncSend(…, callback, timeout, delayLevel)',
        868,
        null,
        null,
        [
          'yes',
          'e2e/template: RocketMQTemplate > knows rocketmq-spring’s names',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > %s delays by a second',
        ],
      ],
      [
        'asyncSend(destination, Collection, callback)',
        947,
        null,
        null,
        [
          'partly: `sendBatch`, without a callback',
          'e2e/template: RocketMQTemplate > sends a batch, whose records have keys of their own',
        ],
      ],
      [
        'asyncSendOrderly(…, hashKey, callback, timeout, delayLevel)',
        991,
        null,
        null,
        [
          'yes',
          'e2e/template: RocketMQTemplate > knows rocketmq-spring’s names',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > %s delays by a second',
        ],
      ],
      [
        'sendOneWay',
        1093,
        null,
        ['no', 'reference/edge-cases.md#L21'],
        [
          'yes',
          'e2e/template: RocketMQTemplate > knows rocketmq-spring’s names',
          'e2e/template: RocketMQTemplate > sends one way',
        ],
      ],
      [
        'sendOneWayOrderly',
        1125,
        null,
        null,
        [
          'yes',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > one key, one queue, whichever …Orderly method sends it, and sendBatch for collections',
        ],
      ],
      [
        'sendMessageInTransaction',
        1179,
        null,
        null,
        [
          'yes',
          'e2e/transactions: sendMessageInTransaction, as in rocketmq-spring > runs executeLocalTransaction of the listener class, and asks its checkLocalTransaction',
        ],
      ],
      [
        'sendAndReceive(…, type, hashKey, timeout)',
        218,
        ['yes: `request`', 'amqp/connection.ts#L442'],
        ['yes: `send`', 'patterns/rpc.md#L44'],
        ['yes', 'e2e/request-reply: RocketMQTemplate.request > knows rocketmq-spring’s sendAndReceive'],
      ],
      [
        'sendAndReceive(…, RocketMQLocalRequestCallback)',
        279,
        null,
        null,
        [
          'partly: a promise, no callback',
          'e2e/request-reply: RocketMQTemplate.request > knows rocketmq-spring’s sendAndReceive',
        ],
      ],
      [
        'sendAndReceive(…, delayLevel)',
        173,
        ['no', 'rabbitmq.interfaces.ts#L50'],
        ['no', 'guides/scheduling.md#L134'],
        ['no: requests cannot be delayed'],
      ],
      [
        'receive(type, timeout)',
        1289,
        null,
        null,
        [
          'yes',
          'e2e/receive: RocketMQTemplate.receive > hands out payloads when asked, and goes on there after a restart',
        ],
      ],
      [
        'convertAndSend(destination, payload, headers)',
        1145,
        null,
        null,
        [
          'yes',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > convertAndSend sends the headers that it is given',
        ],
      ],
      [
        'convertAndSend(…, MessagePostProcessor), setDefaultDestination',
        1153,
        null,
        null,
        ['no: `sendHook`, and a destination each time'],
      ],
      [
        'getProducer',
        75,
        ['yes: `channel`', 'amqp/connection.ts#L178'],
        ['yes: `unwrap`', '/src/client/jetstream.client.ts#L216'],
        [
          'yes',
          'e2e/parity-template: rocketmq-spring’s methods with all of their arguments > getProducer gives the client’s producer, for what the template does not offer',
        ],
      ],
      [
        'getConsumer',
        83,
        null,
        null,
        [
          'yes',
          'e2e/receive: RocketMQTemplate.receive > hands out payloads when asked, and goes on there after a restart',
        ],
      ],
      [
        'setMessageQueueSelector',
        103,
        null,
        null,
        [
          'partly: `selector` of a send',
          'packages/client/test/producer/producer: Producer > sends to a given queue, or to the one a selector returns',
          'e2e/parity-template: the selector of a send > chooses the queue',
        ],
      ],
      [
        'setCharset',
        95,
        ['partly: `serializer`', 'rabbitmq.interfaces.ts#L283'],
        ['partly: `codec`', 'guides/custom-codec.md#L161'],
        [
          'partly: UTF-8; another `serializer`',
          'e2e/parity-listeners: serializers > of the module write and read what the application sends and gets',
        ],
      ],
      ['setAsyncSenderExecutor', 107, null, null, null],
    ].map(([method, line, golevelup, jetstream, nest]) => ({
      what: `\`${method}\``,
      spring: ['yes', `core/RocketMQTemplate.java#L${line}`],
      golevelup,
      jetstream,
      nest,
    })),
  },
  {
    title: 'Sending and asking',
    rows: [
      {
        what: 'one method, one object of options',
        spring: ['no: overloads', 'core/RocketMQTemplate.java#L710'],
        golevelup: ['yes', 'amqp/connection.ts#L1038'],
        jetstream: ['yes: a record', 'guides/record-builder.md#L21'],
        nest: ['yes', 'outgoing: toOutgoing > prefers the record to the options, and the options to the destination'],
      },
      {
        what: '`topic:tag`, or an object with keys and headers',
        spring: ['partly: `topic:tag`', 'core/RocketMQTemplate.java#L112'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'destination: parseDestination > splits %s at the first colon, as rocketmq-spring does',
          'destination: parseDestination > takes an object with keys and headers',
        ],
      },
      {
        what: 'resolves only when the message is stored as asked',
        spring: ['partly: `SendResult` has to be looked at', 'core/RocketMQTemplate.java#L680'],
        golevelup: ['yes: confirm channels', 'amqp/connection.ts#L144'],
        jetstream: ['yes: JetStream’s acknowledgement', 'patterns/events.md#L27'],
        nest: [
          'yes',
          'packages/client/test/producer/send-operation: a send > fails with the status when stored with %s, unless that is accepted',
          'e2e/template: RocketMQTemplate > rejects what cannot be sent',
        ],
      },
      {
        what: 'sends in flight are bounded, with backpressure',
        spring: ['partly: the Java client’s, off by default', 'core/RocketMQTemplate.java#L75'],
        golevelup: ['no', 'amqp/connection.ts#L1034'],
        jetstream: ['no', 'reference/module-configuration.md#L217'],
        nest: [
          'yes',
          'packages/client/test/producer/producer: Producer > pipelines within maxInFlightSends and finishes everything',
          'packages/client/test/producer/producer: Producer backpressure > fails a send that finds no slot in its time, and says which limit was met',
        ],
      },
      {
        what: 'timeouts, retries, compression and size limits of the producer',
        spring: ['yes: `rocketmq.producer.*`', 'autoconfigure/RocketMQProperties.java#L119'],
        golevelup: ['partly: `defaultPublishOptions`', 'rabbitmq.interfaces.ts#L294'],
        jetstream: ['partly: options of the connection', 'reference/module-configuration.md#L393'],
        nest: [
          'yes: `producer`',
          'options: module options > refuses %p',
          'packages/client/test/producer/send-operation: a send > gives up after retryTimes repeats and tells which brokers it tried',
          'packages/client/test/producer/producer: Producer > compresses large bodies with zlib and leaves small ones alone',
        ],
      },
      {
        what: 'pull consumers beside the first',
        spring: ['yes: a subclass of the template for each', 'annotation/ExtRocketMQConsumerConfiguration.java#L32'],
        golevelup: null,
        jetstream: null,
        nest: [
          'partly: one per connection',
          'e2e/receive: RocketMQTemplate.receive > hands out payloads when asked, and goes on there after a restart',
        ],
      },
      {
        what: 'delay by duration, moment or level',
        spring: ['yes', 'core/RocketMQTemplate.java#L615'],
        golevelup: ['no', 'amqp/connection.ts#L1034'],
        jetstream: ['partly: a moment; NATS 2.12', 'guides/scheduling.md#L14'],
        nest: [
          'yes: any kind of send',
          'e2e/template: RocketMQTemplate > delays by level and by time',
          'duration: parseDuration > reads %p',
        ],
      },
      {
        what: 'take a delayed message back',
        spring: ['no', 'core/RocketMQTemplate.java#L62'],
        golevelup: ['no', 'amqp/connection.ts#L1034'],
        jetstream: ['no', 'guides/scheduling.md#L14'],
        nest: ['yes', 'e2e/receive: RocketMQTemplate.recall > takes a delayed message back'],
      },
      {
        what: 'a request fails usefully: nobody there, too late, or the replier’s error',
        spring: ['no: a timeout, whatever the replier threw', 'support/DefaultRocketMQListenerContainer.java#L517'],
        golevelup: ['partly: `RpcTimeoutError`', 'amqp/errors.ts#L4'],
        jetstream: ['partly: a timeout, or the error', 'patterns/rpc.md#L84'],
        nest: [
          'yes',
          'e2e/request-reply: request-reply over the transport > gives up after the deadline, and says whether anybody could have answered',
          'e2e/reply: RocketMQReplyListener > sends what is thrown, once: the request does not come again',
        ],
      },
      {
        what: 'a request can be aborted',
        spring: ['no', 'core/RocketMQTemplate.java#L218'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L50'],
        jetstream: ['partly: unsubscribing, in JetStream mode', '/src/client/jetstream.client.ts#L362'],
        nest: [
          'yes: `signal`, or unsubscribing',
          'e2e/request-reply: request-reply over the transport > gives up when the observable is unsubscribed from, or the signal aborts',
        ],
      },
      {
        what: 'payload types by topic',
        spring: null,
        golevelup: ['no', 'amqp/connection.ts#L1034'],
        jetstream: ['no', 'patterns/events.md#L44'],
        nest: ['yes: interface merging', 'topic-map: knows the payload of a topic, and leaves the others alone'],
      },
      {
        what: 'record builder with tag, keys, headers, delay',
        spring: ['yes: Spring’s `MessageBuilder` with `RocketMQHeaders`', 'support/RocketMQHeaders.java#L24'],
        golevelup: ['partly: options of `publish`', 'amqp/connection.ts#L1038'],
        jetstream: ['yes', 'guides/record-builder.md#L21'],
        nest: [
          'yes',
          'e2e/transport: ClientRocketMQ > emits to where ServerRocketMQ listens, also records',
          'outgoing: toOutgoing > keeps a record’s sharding key for the send',
        ],
      },
      {
        what: 'headers of Spring are understood: `KEYS`, `rocketmq_KEYS`',
        spring: ['yes', 'support/RocketMQHeaders.java#L24'],
        golevelup: null,
        jetstream: null,
        nest: ['yes', 'outgoing: toOutgoing > takes the header %s as message keys, as rocketmq-spring does'],
      },
      {
        what: 'a real Spring Boot application reads and writes the same messages',
        spring: ['yes', 'support/RocketMQMessageConverter.java#L36'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'test/interop/spring: Nest and a Spring Boot application understand each other on the servers of %s',
        ],
      },
    ],
  },
  {
    title: 'Transactions',
    note: 'RabbitMQ and NATS have no transactional messages.',
    rows: [
      {
        what: 'transactional messages with a callback: `sendInTransaction(…, async () => …)`',
        spring: ['partly: `sendMessageInTransaction` and a listener class', 'core/RocketMQTemplate.java#L1179'],
        golevelup: ['no', 'amqp/connection.ts#L1034'],
        jetstream: ['no', 'guides/record-builder.md#L21'],
        nest: [
          'yes',
          'e2e/transactions: sendInTransaction > makes the message visible when the callback succeeds, and not before',
          'e2e/transactions: sendInTransaction > discards the message when the callback throws, and rejects with what it threw',
        ],
      },
      {
        what: 'any number of transaction listeners, by name, topic or tag',
        spring: ['no: one per template', 'autoconfigure/RocketMQTransactionConfiguration.java#L70'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'e2e/transactions: the broker’s question > reaches the listener by name or topic, several of them in one application',
          'transactions/router: TransactionRouter > %p goes to %s',
        ],
      },
      {
        what: 'the check-back finds the listener after a restart, in any process of the group',
        spring: ['yes: the one of the template', 'autoconfigure/RocketMQTransactionConfiguration.java#L74'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes: the name travels with the message',
          'e2e/transactions: the broker’s question > finds the named listener in another process of the group, after the first one died',
        ],
      },
      {
        what: 'nobody can answer the check-back: UNKNOWN, and an error in the log',
        spring: null,
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'e2e/transactions: the broker’s question > is answered UNKNOWN with an error in the log when no listener is there',
        ],
      },
      {
        what: '`@RocketMQTransactionListener` with `executeLocalTransaction` and `checkLocalTransaction`',
        spring: ['yes', 'core/RocketMQLocalTransactionListener.java#L21'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'e2e/transactions: sendMessageInTransaction, as in rocketmq-spring > runs executeLocalTransaction of the listener class, and asks its checkLocalTransaction',
        ],
      },
      {
        what: 'its `rocketMQTemplateBeanName`',
        spring: ['yes', 'annotation/RocketMQTransactionListener.java#L71'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes: `connection`',
          'e2e/parity-template: a transaction listener of another connection > answers for that one alone',
        ],
      },
      {
        what: 'its `corePoolSize`, `maximumPoolSize`, `keepAliveTime`, `blockingQueueSize`',
        spring: ['yes', 'annotation/RocketMQTransactionListener.java#L45'],
        golevelup: null,
        jetstream: null,
        nest: null,
      },
    ],
  },
  {
    title: 'Handling a message once',
    rows: [
      {
        what: 'a handler runs once for each key, by a decorator',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L32'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L108'],
        jetstream: ['no: patterns to write by hand', 'patterns/events.md#L199'],
        nest: [
          'yes: `@Idempotent`',
          'e2e/idempotent: @Idempotent > lets a handler run once for messages with the same keys',
          'e2e/idempotent: @Idempotent > runs the handler again when it failed or asked for another delivery',
        ],
      },
      {
        what: 'Redis',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L32'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L108'],
        jetstream: ['no', 'patterns/events.md#L199'],
        nest: [
          'yes',
          'test/interop/idempotency: RedisIdempotencyStore > knows what another client confirmed',
          'packages/nestjs/test/idempotency/contract.ts: gives a key to one of many who ask at the same time',
        ],
      },
      {
        what: 'SQL: PostgreSQL, MariaDB, MySQL',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L32'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L108'],
        jetstream: ['no', 'patterns/events.md#L199'],
        nest: [
          'yes: shown with PostgreSQL (PGlite) and MariaDB',
          'idempotency/stores: SqlIdempotencyStore on Postgres > has tables of any name, schema included, and may create one twice',
          'test/interop/idempotency: SqlIdempotencyStore on MariaDB > works with prepared statements',
        ],
      },
      {
        what: 'both: a quick store in front of a lasting one',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L32'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L108'],
        jetstream: ['no', 'patterns/events.md#L199'],
        nest: [
          'yes',
          'idempotency/stores: CombinedIdempotencyStore > knows from the record what the lock store forgot',
          'test/interop/idempotency: Redis in front of MariaDB > still knows what Redis lost',
        ],
      },
      {
        what: 'the broker drops what is sent twice',
        spring: ['no', 'core/RocketMQTemplate.java#L62'],
        golevelup: ['no', 'amqp/connection.ts#L1034'],
        jetstream: ['yes: `setMessageId`, within a window', 'guides/record-builder.md#L68'],
        nest: ['no: RocketMQ does not'],
      },
    ],
  },
  {
    title: 'Nest’s microservice transport',
    rows: [
      {
        what: '`@EventPattern` and `client.emit`',
        spring: null,
        golevelup: ['no: not a transport', 'rabbitmq.decorators.ts#L35'],
        jetstream: ['yes', 'patterns/events.md#L42'],
        nest: [
          'yes',
          'e2e/transport: ClientRocketMQ > emits to where ServerRocketMQ listens, also records',
          'e2e/transport: ServerRocketMQ > routes by topic and tag, with Nest’s and our parameter decorators',
        ],
      },
      {
        what: '`@MessagePattern` and `client.send`',
        spring: null,
        golevelup: ['no: `@RabbitRPC` and `request`', 'rabbitmq.decorators.ts#L37'],
        jetstream: ['yes', 'patterns/rpc.md#L44'],
        nest: ['yes', 'e2e/request-reply: request-reply over the transport > answers with what the handler returned'],
      },
      {
        what: 'patterns `topic`, `topic:tag || tag`, `{ topic, tag }`',
        spring: null,
        golevelup: null,
        jetstream: ['partly: subjects', 'patterns/events.md#L76'],
        nest: ['yes', 'transport/pattern: parsePattern > reads %p'],
      },
      {
        what: 'several handlers of one event',
        spring: null,
        golevelup: null,
        jetstream: ['yes: Nest’s own', '/src/server/routing/event-pipeline.ts#L175'],
        nest: [
          'yes',
          'e2e/transport: ServerRocketMQ > runs two handlers of one pattern, and guards know where they are',
        ],
      },
      {
        what: 'a failing event handler has the message again; Nest’s base class would drop the failure',
        spring: null,
        golevelup: null,
        jetstream: ['yes', 'patterns/events.md#L162'],
        nest: [
          'yes',
          'e2e/transport: ServerRocketMQ > delivers again what failed, also when the failure comes late in a stream',
        ],
      },
      {
        what: 'hybrid applications, several transports',
        spring: null,
        golevelup: ['yes: it is no transport', '/docs/modules/rabbitmq.md#L156'],
        jetstream: ['yes: `transportId`', '/src/server/strategy.ts#L30'],
        nest: [
          'yes: `ROCKETMQ_TRANSPORT`',
          'e2e/transport: ServerRocketMQ > refuses patterns that overlap and patterns of other transports, and warns when there is none',
        ],
      },
      {
        what: '`status`, `on`, `unwrap`',
        spring: null,
        golevelup: null,
        jetstream: ['partly: hooks, `unwrap`', '/src/server/strategy.ts#L149'],
        nest: [
          'yes',
          'e2e/transport-status: the transport > tells how its connection stands: lost and found again',
          'e2e/transport: ServerRocketMQ > can use the module’s connection, and tells its status',
        ],
      },
      {
        what: 'peers of other languages ask and answer',
        spring: ['yes', 'core/RocketMQReplyListener.java#L26'],
        golevelup: ['partly: not verified, it says', '/docs/modules/rabbitmq.md#L663'],
        jetstream: ['yes: a documented header contract', 'reference/header-contract.md#L14'],
        nest: [
          'yes',
          'test/interop/nest-requests: the Nest transport and template on the servers of %s > a @MessagePattern answers Nest and Java',
          'test/interop/nest-requests: the Nest transport and template on the servers of %s > a Java replier answers ClientProxy.send and the template',
        ],
      },
      {
        what: 'several replies to one request',
        spring: ['no', 'core/RocketMQReplyListener.java#L26'],
        golevelup: ['no', 'amqp/connection.ts#L442'],
        jetstream: ['no: the first value', 'patterns/rpc.md#L272'],
        nest: ['no: the last value'],
      },
    ],
  },
  {
    title: 'Operations',
    rows: [
      {
        what: 'SIGTERM: running handlers finish, within a deadline, before anything they use is closed',
        spring: ['partly: 1 s by default', 'annotation/RocketMQMessageListener.java#L172'],
        golevelup: ['partly: no deadline; after `onModuleDestroy` of the modules', 'amqp/connection.ts#L1289'],
        jetstream: ['no: handlers are not awaited', 'guides/graceful-shutdown.md#L48'],
        nest: [
          'yes',
          'e2e/shutdown: SIGTERM with ${HANDLERS} handlers in flight > lets all of them finish, before anything they use is closed, and none comes again',
          'e2e/lifecycle: shutdown > waits for running handlers before anything else is torn down, and keeps what they consumed',
        ],
      },
      {
        what: 'what does not finish is named, not acknowledged, and comes again',
        spring: ['partly: comes again, not named', 'support/DefaultRocketMQListenerContainer.java#L368'],
        golevelup: ['no: it waits', 'amqp/connection.ts#L1289'],
        jetstream: ['partly: comes again, not named', 'guides/graceful-shutdown.md#L48'],
        nest: [
          'yes',
          'e2e/shutdown: SIGTERM with ${HANDLERS} handlers in flight > names those that do not finish in time, acknowledges none of them, and they come again elsewhere',
        ],
      },
      {
        what: 'consumes only when every module is up; can send from `onModuleInit`',
        spring: ['yes: a `SmartLifecycle`', 'support/DefaultRocketMQListenerContainer.java#L423'],
        golevelup: ['partly: in `onApplicationBootstrap`, among the others', 'rabbitmq.module.ts#L207'],
        jetstream: ['partly: consumes from `startAllMicroservices` on', 'getting-started/quick-start.md#L81'],
        nest: [
          'yes',
          'e2e/lifecycle: start-up > can send from onModuleInit, and consumes only when every module is up',
        ],
      },
      {
        what: 'a consumer left alone goes on after restarts and lost networks',
        spring: ['yes: the Java client', 'support/DefaultRocketMQListenerContainer.java#L121'],
        golevelup: ['yes: amqp-connection-manager', '/docs/modules/rabbitmq.md#L35'],
        jetstream: ['yes', 'reference/edge-cases.md#L94'],
        nest: [
          'yes',
          'e2e/health: RocketMQHealthIndicator > goes down with the servers and comes back with them',
          'packages/client/test/life: a network between client and servers > that swallows all connections at once is noticed, and new ones are opened',
        ],
      },
      {
        what: 'health indicator for terminus',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L33'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L233'],
        jetstream: ['yes', 'guides/health-checks.md#L132'],
        nest: [
          'yes',
          'e2e/health: RocketMQHealthIndicator > answers terminus for the consumers: 200 while they consume, 503 when one is stopped',
        ],
      },
      {
        what: 'health looks at the consumer: queues, last pull, lag, stuck handlers',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L33'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L233'],
        jetstream: ['no: the connection and its round trip', 'guides/health-checks.md#L21'],
        nest: [
          'yes',
          'e2e/health: RocketMQHealthIndicator > knows lag, stuck handlers and missing queues, each against its limit',
          'e2e/health: RocketMQHealthIndicator > sees queues that are not pulled',
        ],
      },
      {
        what: 'Prometheus metrics',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L33'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L233'],
        jetstream: ['yes', 'observability/metrics.md#L14'],
        nest: [
          'yes',
          'e2e/metrics: RocketMQMetrics > counts sends and what became of messages, with durations',
          'e2e/metrics: RocketMQMetrics > tells how far behind consumers are, and forgets those that stop',
        ],
      },
      {
        what: 'OpenTelemetry spans, W3C context in user properties',
        spring: ['no', 'support/RocketMQUtil.java#L56'],
        golevelup: ['no: the instrumentation of amqplib', 'amqp/connection.ts#L1034'],
        jetstream: ['yes', 'observability/tracing.md#L74'],
        nest: [
          'yes',
          'e2e/tracing: RocketMQTracing > connects who sends, what handles, and what the handler sends, over user properties',
        ],
      },
      {
        what: 'RocketMQ’s own message trace',
        spring: ['yes', 'annotation/RocketMQMessageListener.java#L120'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'e2e/listener-options: options of the consumer > enableMsgTrace writes records that consoles find',
          'e2e/module: RocketMQModule > passes credentials, namespace and trace on to its clients',
        ],
      },
      {
        what: 'credentials, TLS, namespaces',
        spring: ['yes', 'autoconfigure/RocketMQProperties.java#L171'],
        golevelup: ['yes: TLS and credentials', 'rabbitmq.interfaces.ts#L248'],
        jetstream: ['yes', 'reference/module-configuration.md#L393'],
        nest: [
          'yes',
          'e2e/module: RocketMQModule > passes credentials, namespace and trace on to its clients',
          'e2e/listener-options: a group with connections of its own > speaks TLS when it is told to',
        ],
      },
      {
        what: 'brokers behind NAT or in Docker: addresses mapped, and an error that says so',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L33'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes: `addressMap`',
          'packages/client/test/instance: ClientInstance > connects through the address map',
          'packages/client/test/instance: ClientInstance > says of a broker that it could never reach that the address may be of another network',
        ],
      },
      {
        what: 'a warning when nothing handles SIGTERM',
        spring: null,
        golevelup: ['no', 'rabbitmq.module.ts#L153'],
        jetstream: ['no: a word in the guide', 'guides/graceful-shutdown.md#L107'],
        nest: [
          'yes',
          'e2e/parity-listeners: an application without enableShutdownHooks > is told that a SIGTERM would kill its handlers',
        ],
      },
    ],
  },
  {
    title: 'Testing',
    rows: [
      {
        what: 'a real broker inside the test, without Docker',
        spring: ['no', 'autoconfigure/RocketMQAutoConfiguration.java#L58'],
        golevelup: ['no: a config of `undefined`, and mocks', '/docs/modules/rabbitmq.md#L815'],
        jetstream: ['no: Testcontainers in its own tests', 'development/testing.md#L28'],
        nest: [
          'yes',
          'testing/testing-module: a connection for tests > lets two applications of one process each have their own broker',
        ],
      },
      {
        what: 'wait until everything is consumed: `idle()`',
        spring: ['no', 'autoconfigure/RocketMQAutoConfiguration.java#L58'],
        golevelup: ['no', '/docs/modules/rabbitmq.md#L813'],
        jetstream: ['no', 'development/testing.md#L45'],
        nest: [
          'yes',
          'testing/testing-module: the testing module with a real broker > is idle when the handlers of all messages have finished',
        ],
      },
      {
        what: 'an in-memory fake: `deliver()`, `sent()`, time travel',
        spring: ['no', 'autoconfigure/RocketMQAutoConfiguration.java#L58'],
        golevelup: ['partly: a mocked `AmqpConnection`', '/docs/modules/rabbitmq.md#L847'],
        jetstream: ['no', 'development/testing.md#L45'],
        nest: [
          'yes',
          'testing/fake: the fake > delivers a message to the handler and says what became of it',
          'testing/fake: the fake > keeps what the application sent, and has its own listeners consume it',
          'testing/fake: the fake > retries when the time has come, not before',
        ],
      },
      {
        what: 'the fake and the real broker agree',
        spring: null,
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'testing/both: with $name > a message whose handler throws comes again after 10 s and 30 s, and then is dead',
          'testing/both: with $name > a final failure is dead at once, with its reason',
        ],
      },
      {
        what: '`overrideProvider` of template and connection',
        spring: null,
        golevelup: ['yes', '/docs/modules/rabbitmq.md#L847'],
        jetstream: ['yes: of the client’s token', 'reference/module-configuration.md#L187'],
        nest: [
          'yes',
          'testing/fake: a fake connection > lets a test replace the template alone',
          'testing/testing-module: a connection for tests > takes the place of the one that the application makes itself',
        ],
      },
      {
        what: 'nothing is left open after `close()`',
        spring: null,
        golevelup: ['yes', 'amqp/connection.ts#L1277'],
        jetstream: ['yes', 'guides/graceful-shutdown.md#L19'],
        nest: ['yes', 'test/client-exit: a process whose clients are closed has nothing open, and ends by itself'],
      },
    ],
  },
  {
    title: 'Versions and documents',
    rows: [
      {
        what: 'Nest versions',
        spring: null,
        golevelup: ['11', '/packages/rabbitmq/package.json#L50'],
        jetstream: ['10, 11, 12', '/package.json#L86'],
        nest: [
          '11, 12',
          'manifest: the package > is for Nest 11 and 12',
          'e2e/variant: what was built runs on Nest ${nest} as %s',
          "test/interop/nest-e2e: the Nest framework keeps its promises on Apache's servers, on Nest 11 and 12",
        ],
      },
      {
        what: 'ES modules and CommonJS',
        spring: null,
        golevelup: ['CommonJS', '/packages/rabbitmq/package.json#L15'],
        jetstream: ['both', '/package.json#L40'],
        nest: ['both', 'manifest: the package > loads as an ES module and as CommonJS, with all of its entries'],
      },
      {
        what: 'oldest Node or Java',
        spring: ['Java 8', '/rocketmq-spring-boot-parent/pom.xml#L51'],
        golevelup: null,
        jetstream: ['Node 22', '/package.json#L54'],
        nest: ['Node 20.19', 'manifest: the package > is for Node 20.19 and later'],
      },
      {
        what: 'no native addon, nothing built or downloaded at installation',
        spring: null,
        golevelup: ['yes', '/packages/rabbitmq/package.json#L39'],
        jetstream: ['yes', '/package.json#L136'],
        nest: ['yes', 'manifest: the package > brings no native addon, and nothing that runs at installation'],
      },
      {
        what: 'optional peers are loaded only by what needs them',
        spring: null,
        golevelup: ['yes: there are none', '/packages/rabbitmq/package.json#L48'],
        jetstream: ['partly: `@opentelemetry/api` is always imported', '/src/otel/tracer.ts#L1'],
        nest: ['yes', 'manifest: the package > loads optional peers in the entries that need them only'],
      },
      {
        what: 'speaks to name servers and brokers, without a Proxy',
        spring: ['yes', 'support/DefaultRocketMQListenerContainer.java#L121'],
        golevelup: null,
        jetstream: null,
        nest: [
          'yes',
          'test/interop/nest-requests: the Nest transport and template on the servers of %s > declared topics are there, and the template receives and recalls',
          'packages/client/test/name-servers: foreignPortHint > explains %s',
        ],
      },
      {
        what: 'speaks gRPC with a Proxy',
        spring: [
          'yes: a starter of its own',
          '/rocketmq-v5-client-spring-boot/src/main/java/org/apache/rocketmq/client/core/RocketMQClientTemplate.java#L46',
        ],
        golevelup: null,
        jetstream: null,
        nest: ['no'],
      },
      {
        what: 'code in the guides is compiled',
        spring: ['no', '/README.md#L1'],
        golevelup: ['no', '/docs/modules/rabbitmq.md#L1'],
        jetstream: ['no', '/package.json#L67'],
        nest: ['yes', 'docs: the guides > every snippet compiles against what was built'],
      },
      {
        what: 'English and 中文',
        spring: ['partly: English', '/README.md#L1'],
        golevelup: ['partly: English', '/docs/modules/rabbitmq.md#L1'],
        jetstream: ['partly: English', 'intro.md#L15'],
        nest: ['no: English'],
      },
    ],
  },
  {
    title: 'What a peer does and RocketNest does not',
    note: 'Beside the rows above that say no or partly.',
    rows: [
      {
        what: 'a message expires when nobody handles it in time',
        spring: ['no', 'support/RocketMQHeaders.java#L24'],
        golevelup: ['yes: `expiration`, `messageTtl`', 'rabbitmq.interfaces.ts#L69'],
        jetstream: ['yes: `ttl`', 'guides/per-message-ttl.md#L14'],
        nest: ['no: RocketMQ has no such time'],
      },
      {
        what: 'queues and bindings of every kind are declared with the handler',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L52'],
        golevelup: ['yes', 'rabbitmq.interfaces.ts#L64'],
        jetstream: ['partly: streams and consumers of the module', 'reference/module-configuration.md#L334'],
        nest: ['no: topics, in the module'],
      },
      {
        what: 'one handler registered several times from the module’s options',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L52'],
        golevelup: ['yes: arrays in `handlers`', 'rabbitmq.interfaces.ts#L227'],
        jetstream: ['no', 'reference/module-configuration.md#L217'],
        nest: ['no'],
      },
      {
        what: 'other services see which handlers there are',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L52'],
        golevelup: ['no', 'rabbitmq.interfaces.ts#L108'],
        jetstream: ['yes: a registry in NATS KV', 'patterns/handler-metadata.md#L14'],
        nest: ['no'],
      },
      {
        what: 'request and reply past the disk',
        spring: ['no', 'core/RocketMQTemplate.java#L127'],
        golevelup: ['yes: direct reply-to', '/docs/modules/rabbitmq.md#L3'],
        jetstream: ['yes: core NATS', 'patterns/rpc.md#L21'],
        nest: ['no: the request is stored, the reply is not'],
      },
      {
        what: 'storage is moved when its settings change',
        spring: ['no', 'autoconfigure/RocketMQProperties.java#L33'],
        golevelup: ['partly: a handler for what cannot be asserted', 'rabbitmq.interfaces.ts#L151'],
        jetstream: ['yes: streams, blue and green', 'guides/stream-migration.md#L14'],
        nest: ['no: a warning'],
      },
      {
        what: 'an error handler of one listener that settles the message itself',
        spring: ['no', 'annotation/RocketMQMessageListener.java#L32'],
        golevelup: ['yes: `errorHandler`', 'rabbitmq.interfaces.ts#L147'],
        jetstream: ['no', 'patterns/events.md#L125'],
        nest: [
          'partly: an exception filter makes it success, or another error',
          'e2e/pipeline: a handler runs through Nest’s pipeline > a filter that returns something has handled the failure: the message is consumed',
        ],
      },
    ],
  },
];
