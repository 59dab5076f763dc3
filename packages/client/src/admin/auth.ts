import {
  type AclInfo,
  ConfigurationError,
  encodeAclInfo,
  encodeUserInfo,
  parseAclInfo,
  parseAclInfos,
  parseUserInfo,
  parseUserInfos,
  Requests,
  ResponseCode,
  ResponseError,
  type UserInfo,
} from '@rocketnest/protocol';
import type { BrokerMember, BrokersOf, Where } from './brokers-of.js';
import { changeAll, type Gathered, gather } from './gathered.js';

/** What a broker says that is asked for the permissions of a user it does not have. Java: AuthorizationMetadataManagerImpl.getAcl. */
const NO_SUBJECT = 'The subject is not exist.';

/** A user to create or change. Java: UserInfo. */
export interface UserInput {
  readonly username: string;
  /** Required for a new user; absent: stays. Travels as it is: use TLS. */
  readonly password?: string;
  /** Super may do everything. Default Normal. */
  readonly userType?: 'Super' | 'Normal';
  /** Default enable. */
  readonly userStatus?: 'enable' | 'disable';
}

/** One permission. Java: PolicyEntryInfo. */
export interface AclEntryInput {
  /** `Topic:orders`, `Topic:order*`, `Group:*`, `Cluster:DefaultCluster`, `*`. */
  readonly resources: readonly string[];
  readonly actions: readonly ('All' | 'Pub' | 'Sub' | 'Create' | 'Update' | 'Delete' | 'Get' | 'List')[];
  readonly decision: 'Allow' | 'Deny';
  /** Addresses the client may have, e.g. "192.168.1.0/24". Default: any. */
  readonly sourceIps?: readonly string[];
  /** Default entries count where no Custom one fits. Default Custom. */
  readonly policyType?: 'Custom' | 'Default';
}

export type UserOnBroker = BrokerMember & UserInfo;
export type AclOnBroker = BrokerMember & AclInfo;

/**
 * Users and their permissions: ACL 2.0 of Apache's brokers from 5.3 with authenticationEnabled and authorizationEnabled. Each broker
 * has its own: changes go to all masters. Every method rejects with ResponseError where brokers have no users, or the caller may not.
 */
export class AuthAdmin {
  constructor(private readonly brokers: BrokersOf) {}

  // Users

  /** Java: createUser. */
  async createUser(user: UserInput & { readonly password: string }, where: Where = {}): Promise<void> {
    const { username } = user;
    checkName(username);
    if (typeof user.password !== 'string' || user.password === '')
      throw new ConfigurationError(`User ${username} needs a password.`, { context: { username } });
    await this.change(where, `User ${username} is created`, ({ address }) =>
      this.brokers.instance.api.call(
        address,
        Requests.authCreateUser,
        { username },
        { body: encodeUserInfo({ userType: 'Normal', userStatus: 'enable', ...user }) },
      ),
    );
  }

  /** Changes what is given. Java: updateUser. */
  async updateUser(user: UserInput, where: Where = {}): Promise<void> {
    const { username } = user;
    checkName(username);
    await this.change(where, `User ${username} is changed`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.authUpdateUser, { username }, { body: encodeUserInfo(user) }),
    );
  }

  /** Java: deleteUser. */
  async deleteUser(username: string, where: Where = {}): Promise<void> {
    checkName(username);
    await this.change(where, `User ${username} is deleted`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.authDeleteUser, { username }),
    );
  }

  /** A user as each broker has it; those without it are left out. Java: getUser. */
  user(username: string, where: Where = {}): Promise<Gathered<UserOnBroker>> {
    checkName(username);
    return this.ask(where, async (member) => {
      const { body } = await this.brokers.instance.api.call(member.address, Requests.authGetUser, { username });
      return body.length === 0 ? [] : [{ ...member, ...parseUserInfo(body) }];
    });
  }

  /** Users whose names contain `filter`, per broker. Java: listUser. */
  users(filter = '', where: Where = {}): Promise<Gathered<UserOnBroker>> {
    return this.ask(where, async (member) => {
      const { body } = await this.brokers.instance.api.call(member.address, Requests.authListUser, { filter });
      return parseUserInfos(body).map((user) => ({ ...member, ...user }));
    });
  }

  // Permissions

  /** Gives a user permissions, beside those it has. @param subject `User:name`. Java: createAcl */
  async createAcl(subject: string, entries: readonly AclEntryInput[], where: Where = {}): Promise<void> {
    const body = encodeAclInfo(aclOf(subject, entries));
    await this.change(where, `Permissions of ${subject} are created`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.authCreateAcl, { subject }, { body }),
    );
  }

  /** Replaces the permissions for these resources. Java: updateAcl. */
  async updateAcl(subject: string, entries: readonly AclEntryInput[], where: Where = {}): Promise<void> {
    const body = encodeAclInfo(aclOf(subject, entries));
    await this.change(where, `Permissions of ${subject} are changed`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.authUpdateAcl, { subject }, { body }),
    );
  }

  /** Takes permissions away: for one resource, or all of them. Java: deleteAcl. */
  async deleteAcl(
    subject: string,
    what: { readonly resource?: string; readonly policyType?: 'Custom' | 'Default' } = {},
    where: Where = {},
  ): Promise<void> {
    checkSubject(subject);
    await this.change(where, `Permissions of ${subject} are deleted`, ({ address }) =>
      this.brokers.instance.api.call(address, Requests.authDeleteAcl, { subject, ...what }),
    );
  }

  /** The permissions of one subject as each broker has them; brokers without any are left out. Java: getAcl. */
  acl(subject: string, where: Where = {}): Promise<Gathered<AclOnBroker>> {
    checkSubject(subject);
    return this.ask(where, async (member) => {
      try {
        const { body } = await this.brokers.instance.api.call(member.address, Requests.authGetAcl, { subject });
        return body.length === 0 ? [] : [{ ...member, ...parseAclInfo(body) }];
      } catch (error) {
        if (error instanceof ResponseError && error.remark === NO_SUBJECT) return [];
        throw error;
      }
    });
  }

  /** Permissions whose subject and resource contain the filters, per broker. Java: listAcl. */
  acls(
    filter: { readonly subject?: string; readonly resource?: string } = {},
    where: Where = {},
  ): Promise<Gathered<AclOnBroker>> {
    const fields = { subjectFilter: filter.subject ?? '', resourceFilter: filter.resource ?? '' };
    return this.ask(where, async (member) => {
      const { body } = await this.brokers.instance.api.call(member.address, Requests.authListAcl, fields);
      return parseAclInfos(body).map((acl) => ({ ...member, ...acl }));
    });
  }

  // From one broker to another

  /**
   * Copies users, with their passwords, to another broker: creates those it lacks, changes the others. Resolves to their names.
   * @param from @param to a broker's name, or "host:port". @param usernames default: all. Java: CopyUsersSubCommand
   */
  async copyUsers(from: string, to: string, usernames?: readonly string[]): Promise<string[]> {
    const source = { broker: from };
    const answers = await (usernames === undefined
      ? [await this.users('', source)]
      : Promise.all(usernames.map((username) => this.user(username, source))));
    const users = answers.flatMap(({ items }) => items);
    const known = new Set((await this.users('', { broker: to })).items.map(({ username }) => username));
    for (const user of users) {
      const fields = { username: user.username! };
      const body = encodeUserInfo(user);
      const definition = known.has(user.username) ? Requests.authUpdateUser : Requests.authCreateUser;
      await this.change({ broker: to }, `User ${user.username} is copied`, ({ address }) =>
        this.brokers.instance.api.call(address, definition, fields, { body }),
      );
    }
    return users.map(({ username }) => username!);
  }

  /** Copies permissions to another broker. Resolves to their subjects. @param subjects default: all. Java: CopyAclsSubCommand */
  async copyAcls(from: string, to: string, subjects?: readonly string[]): Promise<string[]> {
    const source = { broker: from };
    const answers = await (subjects === undefined
      ? [await this.acls({}, source)]
      : Promise.all(subjects.map((subject) => this.acl(subject, source))));
    const acls = answers.flatMap(({ items }) => items);
    const known = new Set((await this.acls({}, { broker: to })).items.map(({ subject }) => subject));
    for (const acl of acls) {
      const definition = known.has(acl.subject) ? Requests.authUpdateAcl : Requests.authCreateAcl;
      await this.change({ broker: to }, `Permissions of ${acl.subject} are copied`, ({ address }) =>
        this.brokers.instance.api.call(address, definition, { subject: acl.subject }, { body: encodeAclInfo(acl) }),
      );
    }
    return acls.map(({ subject }) => subject!);
  }

  private async ask<T>(where: Where, ask: (member: BrokerMember) => Promise<readonly T[]>): Promise<Gathered<T>> {
    return gather(await this.brokers.masters(where), (member) => explained(ask(member)));
  }

  private async change(where: Where, what: string, make: (member: BrokerMember) => Promise<unknown>): Promise<void> {
    await changeAll(await this.brokers.masters(where), what, (member) => explained(make(member)));
  }
}

/** Says what a bare "not supported" or "no permission" means here. */
async function explained<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof ResponseError)) throw error;
    const hint =
      error.responseCode === ResponseCode.REQUEST_CODE_NOT_SUPPORTED
        ? 'This broker has no users and permissions; Apache brokers have them from 5.3, with authenticationEnabled=true.'
        : error.responseCode === ResponseCode.NO_PERMISSION && !error.remark?.includes('not exist')
          ? 'Give the admin the credentials of a Super user.'
          : undefined;
    if (hint === undefined) throw error;
    const { responseCode, remark, context } = error;
    throw new ResponseError(`${error.message}. ${hint}`, { responseCode, remark, context, cause: error });
  }
}

function checkName(username: string): void {
  if (typeof username === 'string' && username.trim() !== '') return;
  throw new ConfigurationError(`A user name must be a non-empty string, got ${JSON.stringify(username)}.`);
}

function checkSubject(subject: string): void {
  if (/^User:.+/.test(subject)) return;
  throw new ConfigurationError(`A subject must be "User:" and a name, got ${JSON.stringify(subject)}.`, {
    context: { subject },
  });
}

function aclOf(subject: string, entries: readonly AclEntryInput[]): AclInfo {
  checkSubject(subject);
  if (entries.length === 0)
    throw new ConfigurationError(`Permissions of ${subject} need at least one entry.`, { context: { subject } });
  // A policy is a list of entries of one type.
  const policies = (['Custom', 'Default'] as const).flatMap((policyType) => {
    const own = entries.filter((entry) => (entry.policyType ?? 'Custom') === policyType);
    if (own.length === 0) return [];
    return [
      {
        policyType,
        entries: own.flatMap(({ resources, actions, decision, sourceIps = [] }) =>
          resources.map((resource) => ({
            resource,
            actions: [...actions],
            sourceIps: [...sourceIps],
            decision,
          })),
        ),
      },
    ];
  });
  return { subject, policies };
}
