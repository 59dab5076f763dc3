import { decodeFields, decodeMessages, type MessageExt, Requests, ResponseCode } from '@rocketnest/protocol';
import { type Cluster, startCluster, unique } from '@rocketnest/testing';
import { Admin } from '../../src/admin/index.js';
import { bodyOf, responseError } from '../../src/broker-api.js';
import { decompressBody } from '../../src/compression.js';

/**
 * A cluster for one test file: ours, or with ROCKETNEST_TEST_NAMESRV=host:port that one (an Apache one, say, with
 * transactionTimeOut and transactionCheckInterval of a second or two).
 */
export class TestCluster {
  readonly admin: Admin;

  private constructor(
    readonly namesrvAddr: string,
    /** Undefined when the cluster is not ours to stop. */
    readonly own: Cluster | undefined,
  ) {
    this.admin = new Admin({ namesrvAddr });
  }

  static async start(options: Parameters<typeof startCluster>[0] = {}): Promise<TestCluster> {
    const external = process.env['ROCKETNEST_TEST_NAMESRV'];
    const own = external === undefined ? await startCluster(options) : undefined;
    const cluster = new TestCluster(external ?? own!.namesrvAddr, own);
    await cluster.admin.start();
    return cluster;
  }

  async close(): Promise<void> {
    await this.admin.close();
    await this.own?.close();
  }

  /** A new topic. */
  async topic(queues = 4): Promise<string> {
    const topic = unique('topic');
    await this.admin.topics.create({ topic, queues });
    return topic;
  }

  /** All messages of a topic, queue by queue in order, as a consumer would see them. */
  async messages(topic: string): Promise<MessageExt[]> {
    const { instance } = this.admin;
    const route = (await instance.routes.refresh(topic))!;
    const found: MessageExt[] = [];
    for (const queue of route.subscribeQueues) {
      const { address } = instance.findBrokerAddress(queue.brokerName)!;
      let queueOffset = await instance.api.minOffset(address, queue);
      const end = await instance.api.maxOffset(address, queue);
      while (queueOffset < end) {
        const request = {
          consumerGroup: 'CID_TEST_READER',
          topic,
          queueId: queue.queueId,
          queueOffset,
          maxMsgNums: 32,
          sysFlag: 4, // the subscription travels with the request
          commitOffset: 0,
          suspendTimeoutMillis: 0,
          subscription: '*',
          subVersion: 0,
        };
        const response = await new Promise<Parameters<typeof bodyOf>[0]>((resolve, reject) => {
          instance.api.pullMessage(address, request, 3_000, (error, answer) =>
            error ? reject(error) : resolve(answer!),
          );
        });
        if (response.code !== ResponseCode.SUCCESS) throw responseError('PULL_MESSAGE', address, response);
        found.push(...decodeMessages(bodyOf(response), { decompress: decompressBody }));
        queueOffset = decodeFields(Requests.pullMessage.response, response.extFields, 'PULL_MESSAGE').nextBeginOffset;
      }
    }
    return found;
  }
}
