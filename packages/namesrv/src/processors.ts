import { inflateSync } from 'node:zlib';
import {
  crc32,
  createResponse,
  type DecodedCommand,
  type DecodedFields,
  decodeFields,
  encodeClusterInfo,
  encodeDataVersion,
  encodeFields,
  encodeGetBrokerMemberGroupResponse,
  encodeKVTable,
  encodeTopicList,
  encodeTopicRoute,
  type FieldInput,
  type FieldMap,
  formatProperties,
  ProtocolError,
  parseDataVersion,
  parseProperties,
  parseRegisterBrokerBody,
  parseRegisterBrokerParts,
  parseTopicRoute,
  type RegisterBrokerBody,
  type RequestDefinition,
  Requests,
  ResponseCode,
  ResponseError,
  type TopicList,
  TopicSysFlag,
} from '@rocketnest/protocol';
import type { Connection, Logger, Processor, ProcessorTable } from '@rocketnest/remoting';
import { type KvConfig, ORDER_TOPIC_NAMESPACE } from './kv-config.js';
import { configEntries, type NameServerConfig, parseNamesrvProperties } from './options.js';
import type { RouteTable } from './route-table.js';
import { inZone } from './zone.js';

/** What the processors work on. */
export interface ProcessorContext {
  readonly config: Readonly<NameServerConfig>;
  readonly routes: RouteTable;
  readonly kv: KvConfig;
  readonly logger: Logger;
  /** Milliseconds since this name server started. */
  readonly uptimeMs: () => number;
  /** Applies and keeps changed options. */
  readonly updateConfig: (changes: Partial<NameServerConfig>) => Promise<void>;
}

interface Answer<R extends FieldMap> {
  readonly fields?: FieldInput<R>;
  readonly body?: Buffer | null;
}

/** Where a route asks for nearby brokers only (Java: `MixAll.ZONE_MODE`, `ZONE_NAME`). */
const ZONE_MODE = '__ZONE_MODE';
const ZONE_NAME = '__ZONE_NAME';
/** A registration inflates to no more than this; 100 000 topics take about 15 MiB. */
const MAX_INFLATED_BYTES = 256 * 1024 * 1024;
/** First byte of what `Deflater` writes; JSON begins otherwise. */
const ZLIB_HEADER = 0x78;
/** Bodies from this size on are worth a look whether they are the same as last time. */
const LARGE_BODY_BYTES = 64 * 1024;
/** Options that no request may change (Java: `DefaultRequestProcessor.initConfigBlackList`). */
const FIXED_OPTIONS = ['configBlackList', 'configStorePath', 'kvConfigPath', 'rocketmqHome'];

/** Request code → processor (Java: `DefaultRequestProcessor`, `ClientRequestProcessor`). */
export function createProcessors(context: ProcessorContext): ProcessorTable {
  const { config, routes, kv, logger } = context;
  const largeBodies = new LargeBodies();

  const topicList = (list: TopicList, enabled = true): { body: Buffer } => {
    if (!enabled) throw refused(ResponseCode.SYSTEM_ERROR, 'disable');
    return { body: encodeTopicList(list) };
  };

  return new Map([
    row(Requests.registerBroker, (fields, request, connection) => {
      const body = largeBodies.parse(connection, request, () => registrationBody(request, fields));
      const { topicConfigTable, dataVersion, topicQueueMappingInfoMap } = body.topicConfigSerializeWrapper;
      const master = routes.register({
        ...fields,
        zoneName: request.extFields[ZONE_NAME],
        heartbeatTimeoutMs: fields.heartbeatTimeoutMillis,
        dataVersion,
        topicConfigs: Object.values(topicConfigTable),
        queueMappings: topicQueueMappingInfoMap ?? {},
        filterServers: body.filterServerList,
        connection,
      });
      const orderTopics = config.returnOrderTopicConfigToBroker ? kv.list(ORDER_TOPIC_NAMESPACE) : undefined;
      return { fields: master, body: orderTopics ? encodeKVTable({ table: orderTopics }) : null };
    }),
    row(Requests.unregisterBroker, (fields) => {
      routes.unregister(fields);
      logger.info(`broker ${fields.brokerName}[${fields.brokerId}] at ${fields.brokerAddr} unregistered`);
    }),
    row(Requests.brokerHeartbeat, ({ clusterName, brokerAddr }) => routes.heartbeat(clusterName, brokerAddr)),
    row(Requests.queryDataVersion, ({ clusterName, brokerAddr }, { body }) => {
      const changed = routes.isChanged(clusterName, brokerAddr, parseDataVersion(body));
      routes.heartbeat(clusterName, brokerAddr);
      const registered = routes.dataVersion(clusterName, brokerAddr);
      return { fields: { changed }, body: registered ? encodeDataVersion(registered) : null };
    }),
    row(Requests.getBrokerMemberGroup, ({ clusterName, brokerName }) => ({
      body: encodeGetBrokerMemberGroupResponse({
        brokerMemberGroup: { cluster: clusterName, brokerName, brokerAddrs: routes.members(brokerName) },
      }),
    })),
    row(Requests.wipeWritePermOfBroker, ({ brokerName }) => ({
      fields: { wipeTopicCount: routes.wipeWritePerm(brokerName) },
    })),
    row(Requests.addWritePermOfBroker, ({ brokerName }) => ({
      fields: { addTopicCount: routes.addWritePerm(brokerName) },
    })),

    row(Requests.getRouteinfoByTopic, ({ topic }, { extFields }) => {
      if (config.needWaitForService && context.uptimeMs() < config.waitSecondsForService * 1000) {
        throw refused(ResponseCode.SYSTEM_ERROR, 'name server not ready');
      }
      const route = routes.route(topic);
      if (!route) {
        throw refused(
          ResponseCode.TOPIC_NOT_EXIST,
          `No topic route info in name server for the topic: ${topic}. No registered broker has it: create it, check its ` +
            'spelling, or check that its broker runs and registers here (mqadmin clusterList).',
        );
      }
      const orderTopicConf = config.orderMessageEnable ? kv.get(ORDER_TOPIC_NAMESPACE, topic) : undefined;
      const zone = extFields[ZONE_MODE]?.toLowerCase() === 'true' ? extFields[ZONE_NAME]?.trim() : undefined;
      // Integer keys are always quoted, which every client reads: acceptStandardJsonOnly has nothing to change.
      return { body: encodeTopicRoute({ ...(zone ? inZone(route, zone) : route), orderTopicConf }) };
    }),
    row(Requests.getBrokerClusterInfo, () => ({ body: encodeClusterInfo(routes.clusterInfo()) })),
    row(Requests.getAllTopicListFromNameserver, () => topicList(routes.allTopics(), config.enableAllTopicList)),
    row(Requests.getTopicsByCluster, ({ cluster }) =>
      topicList(routes.topicsOfCluster(cluster), config.enableTopicList),
    ),
    row(Requests.getSystemTopicListFromNs, () => topicList(routes.systemTopics())),
    row(Requests.getUnitTopicList, () => topicList(routes.topicsWithFlag(TopicSysFlag.UNIT), config.enableTopicList)),
    row(Requests.getHasUnitSubTopicList, () =>
      topicList(routes.topicsWithFlag(TopicSysFlag.UNIT_SUB), config.enableTopicList),
    ),
    row(Requests.getHasUnitSubUnunitTopicList, () =>
      topicList(routes.topicsWithFlag(TopicSysFlag.UNIT_SUB, TopicSysFlag.UNIT), config.enableTopicList),
    ),
    row(Requests.registerTopicInNamesrv, ({ topic }, { body }) =>
      routes.registerTopic(topic, parseTopicRoute(body).queueDatas),
    ),
    row(Requests.deleteTopicInNamesrv, ({ topic, clusterName }) => routes.deleteTopic(topic, clusterName)),

    row(Requests.putKvConfig, ({ namespace, key, value }) => kv.put(namespace, key, value)),
    row(Requests.getKvConfig, ({ namespace, key }) => {
      const value = kv.get(namespace, key);
      if (value !== undefined) return { fields: { value } };
      throw refused(ResponseCode.QUERY_NOT_FOUND, `No config item, Namespace: ${namespace} Key: ${key}`);
    }),
    row(Requests.deleteKvConfig, ({ namespace, key }) => kv.delete(namespace, key)),
    row(Requests.getKvlistByNamespace, ({ namespace }) => {
      const table = kv.list(namespace);
      if (table !== undefined) return { body: encodeKVTable({ table }) };
      throw refused(ResponseCode.QUERY_NOT_FOUND, `No config item, Namespace: ${namespace}`);
    }),

    row(Requests.getNamesrvConfig, () => ({ body: Buffer.from(formatProperties(configEntries(config))) })),
    row(Requests.updateNamesrvConfig, (_fields, { body }, { remoteAddress }) => {
      const source = body?.toString('utf8') ?? '';
      const keys = [...parseProperties(source).keys()];
      const fixed = [...FIXED_OPTIONS, ...config.configBlackList.split(';')].find((key) => keys.includes(key));
      if (fixed !== undefined) {
        throw refused(ResponseCode.NO_PERMISSION, `Can not update config in black list: ${fixed}`);
      }
      logger.info(`options changed by ${remoteAddress}: ${keys.join(', ')}`);
      return context.updateConfig(parseNamesrvProperties(source, (message) => logger.warn(message)));
    }),
  ]);
}

/**
 * Brokers send all their topics every 30 s, and almost always the same. Reading 100 000 of them takes about half a second, in which
 * nobody else is served; knowing them again takes a twentieth of that.
 */
class LargeBodies {
  readonly #last = new WeakMap<Connection, { readonly digest: string; readonly body: RegisterBrokerBody }>();

  parse(connection: Connection, { body }: DecodedCommand, read: () => RegisterBrokerBody): RegisterBrokerBody {
    if (body === null || body.length < LARGE_BODY_BYTES) return read();
    // Loaded here: node:crypto takes 1 MiB, and few clusters have bodies as large.
    const { createHash } = process.getBuiltinModule('node:crypto');
    const digest = createHash('sha1').update(body).digest('base64');
    const last = this.#last.get(connection);
    if (last?.digest === digest) return last.body;
    const parsed = read();
    this.#last.set(connection, { digest, body: parsed });
    return parsed;
  }
}

/** One row of the table: decodes the request's fields, encodes the answer's. */
function row<F extends FieldMap, R extends FieldMap>(
  definition: RequestDefinition<F, R>,
  handle: (
    fields: DecodedFields<F>,
    request: DecodedCommand,
    connection: Connection,
  ) => Answer<R> | void | Promise<void>,
): [number, Processor] {
  const respond = (request: DecodedCommand, answer: Answer<R> | undefined) => {
    const fields = answer?.fields && encodeFields(definition.response, answer.fields, definition.name);
    return createResponse(request, ResponseCode.SUCCESS, null, fields, answer?.body);
  };
  return [
    definition.code,
    (request, connection) => {
      const answer = handle(decodeFields(definition.fields, request.extFields, definition.name), request, connection);
      if (answer instanceof Promise) return answer.then(() => respond(request, undefined));
      return respond(request, answer ?? undefined);
    },
  ];
}

function refused(responseCode: number, remark: string): ResponseError {
  return new ResponseError(remark, { responseCode, remark });
}

/**
 * The topics of a registration, checked and inflated. Brokers older than 3.0.11 (2014), whose body had no filter servers, are not
 * understood.
 */
function registrationBody(
  { body, version }: DecodedCommand,
  { bodyCrc32, compressed }: { bodyCrc32: number; compressed: boolean },
): RegisterBrokerBody {
  const received = body === null ? 0 : crc32(body);
  if (bodyCrc32 !== 0 && received !== bodyCrc32) throw refused(ResponseCode.SYSTEM_ERROR, 'crc32 not match');
  if (body === null) {
    const dataVersion = { stateVersion: 0, timestamp: 0, counter: 0 };
    return { topicConfigSerializeWrapper: { topicConfigTable: {}, dataVersion }, filterServerList: [] };
  }
  // Brokers of 5.x with compressedRegister compress the body and yet say that they did not (`BrokerOuterAPI`): trust the zlib header.
  if (!compressed && body[0] !== ZLIB_HEADER) return parseRegisterBrokerBody(body);
  let inflated: Buffer;
  try {
    inflated = inflateSync(body, { maxOutputLength: MAX_INFLATED_BYTES });
  } catch (cause) {
    throw new ProtocolError(`REGISTER_BROKER: the compressed body does not inflate: ${(cause as Error).message}`, {
      cause,
    });
  }
  return parseRegisterBrokerParts(inflated, version);
}
