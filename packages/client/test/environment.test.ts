import { expect, it } from '@jest/globals';
import { nameServersOf } from '../src/environment.js';

/** Java: MixAll.getWSAddr. */
it.each([
  ['nothing', {}, undefined, undefined],
  ['addresses', { NAMESRV_ADDR: 'a:1;b:2' }, 'a:1;b:2', undefined],
  ['an empty text', { NAMESRV_ADDR: '' }, undefined, undefined],
  ['a domain', { 'rocketmq.namesrv.domain': 'ns.example' }, undefined, 'http://ns.example:8080/rocketmq/nsaddr'],
  [
    'a domain with a port',
    { ROCKETMQ_NAMESRV_DOMAIN: 'ns.example:80' },
    undefined,
    'http://ns.example:80/rocketmq/nsaddr',
  ],
  [
    'a subgroup',
    { ROCKETMQ_NAMESRV_DOMAIN: 'ns', ROCKETMQ_NAMESRV_DOMAIN_SUBGROUP: 'test' },
    undefined,
    'http://ns:8080/rocketmq/test',
  ],
])('reads %s', (_, env, namesrvAddr, nameServerEndpoint) => {
  expect(nameServersOf(env)).toEqual({ namesrvAddr, nameServerEndpoint });
});
