import {
  ExpressionType,
  encodeCheckClientRequest,
  Requests,
  ResponseCode,
  ResponseError,
  type SubscriptionData,
} from '@rocketnest/protocol';
import type { ClientInstance } from '../instance.js';

/**
 * Asks brokers whether they can evaluate what is not tags: later they would answer every pull with an error.
 * Java: MQClientInstance.checkClientInBroker.
 *
 * Rejects with ResponseError when a broker refuses an expression.
 */
export async function checkFilters(
  instance: ClientInstance,
  group: string,
  subscriptions: Iterable<SubscriptionData>,
): Promise<void> {
  for (const subscriptionData of subscriptions) {
    if (subscriptionData.expressionType === ExpressionType.TAG) continue;
    const address = instance.routes.anyBrokerOf(subscriptionData.topic);
    if (address === undefined) continue;
    const body = encodeCheckClientRequest({ clientId: instance.clientId, group, subscriptionData });
    const { code, remark } = await instance.api.call(
      address,
      Requests.checkClientConfig,
      {},
      { body, accept: [ResponseCode.SUCCESS, ResponseCode.SUBSCRIPTION_PARSE_FAILED] },
    );
    if (code === ResponseCode.SUCCESS) continue;
    const { topic, subString } = subscriptionData;
    throw new ResponseError(
      `Group ${group} cannot subscribe to topic ${topic} with the SQL92 filter "${subString}": the broker cannot parse it. Correct the expression. The broker's words: ${remark}`,
      { responseCode: code, remark, context: { group, topic, filter: subString, broker: address } },
    );
  }
}

/** For a filter that changed while the consumer runs: nobody waits for the answer, so a refusal is logged. */
export async function reportRefusal(
  instance: ClientInstance,
  group: string,
  subscription: SubscriptionData,
): Promise<void> {
  try {
    await checkFilters(instance, group, [subscription]);
  } catch (error) {
    const topic = instance.namespace.unwrapTopic(subscription.topic);
    instance.logger.error(
      `nothing of topic ${topic} may be received: its filter could not be checked. Subscribe with another one unless the broker was only out of reach.`,
      { group, topic, filter: subscription.subString, error },
    );
  }
}
