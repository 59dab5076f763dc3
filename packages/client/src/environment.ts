/**
 * What the client reads from the environment, here and nowhere else, when an instance is made: addresses for processes whose code names
 * none.
 */

export interface NameServerEnvironment {
  /** Like the option `namesrvAddr`. */
  readonly namesrvAddr: string | undefined;
  /** Like the option `nameServerEndpoint`. */
  readonly nameServerEndpoint: string | undefined;
}

/** Java: MixAll.NAMESRV_ADDR_ENV, and the system properties of MixAll.getWSAddr, which may also be written as variables of shells. */
export function nameServersOf(env: Readonly<Record<string, string | undefined>> = process.env): NameServerEnvironment {
  const given = (name: string): string | undefined => env[name] || undefined;
  const domain = given('rocketmq.namesrv.domain') ?? given('ROCKETMQ_NAMESRV_DOMAIN');
  const subgroup = given('rocketmq.namesrv.domain.subgroup') ?? given('ROCKETMQ_NAMESRV_DOMAIN_SUBGROUP') ?? 'nsaddr';
  return {
    namesrvAddr: given('NAMESRV_ADDR'),
    nameServerEndpoint: domain && `http://${domain.includes(':') ? domain : `${domain}:8080`}/rocketmq/${subgroup}`,
  };
}
