import {
  ConfigurationError,
  decodeOffsetMsgId,
  type Message,
  type MessageExt,
  MessageSysFlag,
  PropertyName,
  SendError,
  SystemTopic,
} from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';
import type { clientOptionTable } from '../options.js';
import { type OptionsInput, type OptionTable, option, resolveOptions } from '../options.js';
import type { CheckTransactionFields, ProducerRegistration } from '../registrations.js';
import { sendNamespaced } from './namespaced.js';
import { isDelayed, type OutgoingMessage, type PreparedMessage } from './outgoing-message.js';
import { Producer } from './producer.js';
import type { ProducerOptionsInput } from './producer-options.js';
import type { SendOptions } from './send-options.js';
import type { SendResult } from './send-result.js';

/** Its route names the brokers of a cluster: each has it from its first start. Java: TopicConfigManager. */
const TOPIC_OF_ALL_BROKERS = SystemTopic.SELF_TEST;

/** What a local transaction came to. Java: LocalTransactionState. */
export type TransactionState = 'COMMIT' | 'ROLLBACK' | 'UNKNOWN';

/** Bits that END_TRANSACTION carries for each state. */
const DECISION = {
  COMMIT: MessageSysFlag.TRANSACTION_COMMIT,
  ROLLBACK: MessageSysFlag.TRANSACTION_ROLLBACK,
  UNKNOWN: MessageSysFlag.TRANSACTION_NOT,
} as const satisfies Record<TransactionState, number>;

/**
 * Answers what became of a transaction whose decision the broker did not get, perhaps of an earlier process. Throwing means
 * UNKNOWN: the broker asks again (transactionCheckInterval, at most transactionCheckMax times).
 */
export type TransactionChecker = (message: MessageExt) => Promise<TransactionState> | TransactionState;

/** The half message as the local transaction sees it. */
export interface HalfMessage extends Message {
  readonly msgId: string;
  readonly offsetMsgId: string;
  readonly transactionId: string;
}

/** The local transaction. Nothing returned is COMMIT; throwing is ROLLBACK and rejects sendInTransaction. */
export type LocalTransaction = (
  message: HalfMessage,
  transactionId: string,
  // biome-ignore lint/suspicious/noConfusingVoidType: a function without a return statement commits
) => Promise<TransactionState | void> | TransactionState | void;

/** Java: TransactionSendResult. */
export interface TransactionSendResult extends SendResult {
  readonly transactionId: string;
  readonly state: TransactionState;
}

export const transactionOptionTable = {
  checker: option
    .value<TransactionChecker>('a function', (value) => typeof value === 'function', {
      java: 'transactionListener.checkLocalTransaction',
      doc: 'Called when the broker asks for the state of a transaction.',
    })
    .required(),
} satisfies OptionTable;

export type TransactionOptionsInput = OptionsInput<typeof transactionOptionTable>;
export type TransactionProducerOptionsInput = ProducerOptionsInput & TransactionOptionsInput;
export type SharedTransactionProducerOptionsInput = Omit<
  TransactionProducerOptionsInput,
  keyof typeof clientOptionTable
>;

/**
 * Sends messages that become visible only when a local transaction commits. Each kind of transaction has its own group, since
 * the broker asks any producer of the group about transactions whose decision it missed. Java: TransactionMQProducer.
 */
export class TransactionProducer extends Producer {
  private readonly checker: TransactionChecker;
  private readonly checks = new Set<Promise<void>>();

  constructor(options: TransactionProducerOptionsInput);
  constructor(options: SharedTransactionProducerOptionsInput, instance: ClientInstance);
  constructor(
    options: TransactionProducerOptionsInput | SharedTransactionProducerOptionsInput,
    instance?: ClientInstance,
  ) {
    const { checker, ...producerOptions } = options;
    super(producerOptions as ProducerOptionsInput, instance as ClientInstance);
    this.checker = resolveOptions(transactionOptionTable, { checker }, new.target.name).checker;
  }

  /**
   * Joins its group, and makes itself known to every broker, in the background: a broker asks the producers that it knows, and those of a
   * service that was started again have sent nothing yet.
   */
  override async start(): Promise<void> {
    await super.start();
    void this.introduce();
  }

  private async introduce(): Promise<void> {
    try {
      await this.instance.routes.refresh(TOPIC_OF_ALL_BROKERS);
      await this.instance.sendHeartbeats();
    } catch (error) {
      this.instance.logger.info('no name server answers yet; brokers hear of the producer later', { error });
    }
  }

  protected override *topics(): Iterable<string> {
    yield TOPIC_OF_ALL_BROKERS;
    yield* super.topics();
  }

  /**
   * Sends a half message, runs `execute`, and tells the broker the decision. The decision is sent one way, as in Java: if it is
   * lost the broker asks the checker.
   *
   * Rejects like send() when the half message could not be stored (nothing ran), and with what `execute` threw, after rolling back.
   */
  async sendInTransaction(
    message: OutgoingMessage,
    execute: LocalTransaction,
    options: SendOptions = {},
  ): Promise<TransactionSendResult> {
    const { namespace } = this.instance;
    if (!namespace.active) return this.transact(message, execute, options);
    return sendNamespaced(namespace, message, options, (wrapped, wrappedOptions) =>
      this.transact(wrapped, execute, wrappedOptions),
    );
  }

  private async transact(
    message: OutgoingMessage,
    execute: LocalTransaction,
    options: SendOptions,
  ): Promise<TransactionSendResult> {
    const prepared = this.prepareHalf(message, options);
    const result = await this.sendHalf(prepared, message, options);
    const transactionId = prepared.msgId;
    let state: TransactionState;
    try {
      const half: HalfMessage = {
        topic: this.instance.namespace.unwrapTopic(prepared.topic),
        body: typeof message.body === 'string' ? Buffer.from(message.body) : Buffer.from(message.body),
        flag: prepared.flag,
        properties: { ...prepared.properties },
        msgId: prepared.msgId,
        offsetMsgId: result.offsetMsgId,
        transactionId,
      };
      state = checkState((await execute(half, transactionId)) ?? 'COMMIT', 'The local transaction');
    } catch (error) {
      await this.endTransaction(prepared, result, 'ROLLBACK', error);
      throw error;
    }
    await this.endTransaction(prepared, result, state);
    return { ...result, transactionId, state };
  }

  private prepareHalf(message: OutgoingMessage, options: SendOptions): PreparedMessage {
    this.checkRunning();
    const prepared = this.prepare(message, options);
    if (isDelayed(prepared.properties)) {
      throw new ConfigurationError(
        `A transactional message to topic ${prepared.topic} cannot be delayed. Send it without a delay, or outside a transaction.`,
        {
          context: { topic: prepared.topic },
        },
      );
    }
    prepared.properties[PropertyName.TRANSACTION_PREPARED] = 'true';
    prepared.properties[PropertyName.PRODUCER_GROUP] = this.wireGroup;
    return { ...prepared, kind: 'transaction', sysFlag: prepared.sysFlag | MessageSysFlag.TRANSACTION_PREPARED };
  }

  /** A half message stored less durably than configured is rolled back, as in Java, whatever statuses are accepted. */
  private async sendHalf(
    prepared: PreparedMessage,
    message: OutgoingMessage,
    options: SendOptions,
  ): Promise<SendResult> {
    try {
      return await this.sendPrepared(prepared, this.pickerOf(message, options), {
        ...options,
        acceptStatuses: undefined,
      });
    } catch (error) {
      const stored = error instanceof SendError ? (error.context['result'] as SendResult | undefined) : undefined;
      if (stored !== undefined) await this.endTransaction(prepared, stored, 'ROLLBACK', error);
      throw error;
    }
  }

  /** Java: DefaultMQProducerImpl.endTransaction. */
  private async endTransaction(
    prepared: PreparedMessage,
    result: SendResult,
    state: TransactionState,
    failure?: unknown,
  ): Promise<void> {
    const { topic, msgId } = prepared;
    const broker = this.instance.findBrokerAddress(result.queue, { onlyMaster: true });
    try {
      if (broker === undefined) throw this.instance.routes.noRoute(topic);
      const { properties } = prepared;
      this.hooks.endTransaction({
        topic,
        properties,
        msgId,
        transactionId: msgId,
        state,
        fromTransactionCheck: false,
        brokerAddress: broker.address,
      });
      await this.instance.api.endTransaction(
        broker.address,
        {
          topic,
          producerGroup: this.wireGroup,
          tranStateTableOffset: result.queueOffset,
          commitLogOffset: decodeOffsetMsgId(result.offsetMsgId).commitLogOffset,
          commitOrRollback: DECISION[state],
          fromTransactionCheck: false,
          msgId,
          transactionId: result.transactionId ?? msgId,
          bname: result.queue.brokerName,
        },
        failure === undefined ? null : `executeLocalTransactionBranch exception: ${String(failure)}`,
      );
    } catch (error) {
      this.instance.logger.warn('the decision of a transaction did not reach the broker, which will ask the checker', {
        topic,
        msgId,
        state,
        error,
      });
    }
  }

  protected override registration(): Pick<ProducerRegistration, 'checkTransaction'> {
    return {
      checkTransaction: (address, message, fields) => {
        const check = this.check(address, message, fields).finally(() => this.checks.delete(check));
        this.checks.add(check);
      },
    };
  }

  /** Java: DefaultMQProducerImpl.checkTransactionState. */
  private async check(address: string, message: MessageExt, fields: CheckTransactionFields): Promise<void> {
    const { topic, msgId } = message;
    const { logger } = this.instance;
    let state: TransactionState = 'UNKNOWN';
    let remark: string | null = null;
    try {
      const shown = { ...message, topic: this.instance.namespace.unwrapTopic(topic) };
      state = checkState(await this.checker(shown), 'The transaction checker');
    } catch (error) {
      remark = `checkLocalTransactionState Exception: ${String(error)}`;
      logger.error(`the transaction checker of group ${this.group} failed; the broker will ask again`, {
        topic,
        msgId,
        error,
      });
    }
    const transactionId = message.properties[PropertyName.UNIQ_KEY] ?? msgId;
    this.hooks.endTransaction({
      topic,
      properties: message.properties,
      msgId: transactionId,
      transactionId,
      state,
      fromTransactionCheck: true,
      brokerAddress: address,
    });
    if (state !== 'COMMIT') logger.warn(`checked transaction is ${state}`, { group: this.group, topic, msgId });
    try {
      await this.instance.api.endTransaction(
        address,
        {
          topic: fields.topic ?? topic,
          producerGroup: this.wireGroup,
          tranStateTableOffset: fields.tranStateTableOffset,
          commitLogOffset: fields.commitLogOffset,
          commitOrRollback: DECISION[state],
          fromTransactionCheck: true,
          msgId: transactionId,
          transactionId: fields.transactionId,
          bname: fields.bname,
        },
        remark,
      );
    } catch (error) {
      logger.error('the answer to a transaction check did not reach the broker, which will ask again', {
        topic,
        msgId,
        state,
        error,
      });
    }
  }

  /** Checks under way still answer before the group is left. */
  protected override async drained(): Promise<void> {
    await Promise.all(this.checks);
  }
}

function checkState(state: unknown, who: string): TransactionState {
  if (typeof state === 'string' && Object.hasOwn(DECISION, state)) return state as TransactionState;
  throw new ConfigurationError(`${who} must answer COMMIT, ROLLBACK or UNKNOWN, got ${String(state)}.`);
}
