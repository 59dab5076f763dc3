import { describe, expect, it } from '@jest/globals';
import { TestCluster } from '../support/cluster.js';

describe('admin.auth', () => {
  it('says that a broker has no users, and checks what it is given', async () => {
    const cluster = await TestCluster.start();
    try {
      const { auth } = cluster.admin;
      await expect(auth.users()).rejects.toThrow(/from 5\.3, with authenticationEnabled=true/);
      await expect(auth.createUser({ username: ' ', password: 'x' })).rejects.toThrow(/non-empty/);
      await expect(auth.createUser({ username: 'a', password: '' })).rejects.toThrow(/needs a password/);
      await expect(auth.createAcl('alice', [])).rejects.toThrow(/must be "User:"/);
      await expect(auth.createAcl('User:alice', [])).rejects.toThrow(/at least one entry/);
    } finally {
      await cluster.close();
    }
  });
});
