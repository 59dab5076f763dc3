import { Injectable } from '@nestjs/common';
import { ModulesContainer } from '@nestjs/core';
import type { Subscription } from 'rxjs';
import { RocketMQConnection } from '../connection.js';
import { Explorer } from '../handlers/explorer.js';
import { ClientRocketMQ } from './client.js';
import { ServerRocketMQ } from './server.js';

/** All connections of an application: those of RocketMQModule, and those that its transports have of their own. */
@Injectable()
export class ConnectionDirectory {
  constructor(
    private readonly explorer: Explorer,
    private readonly modules: ModulesContainer,
  ) {}

  /** Each once. Of clients only those that have connected: they do so with their first message. */
  list(): RocketMQConnection[] {
    const servers: RocketMQConnection[] = [];
    this.ofServers((connection) => servers.push(connection)).unsubscribe();
    const clients = this.explorer.instancesOf(ClientRocketMQ).map(({ connection }) => connection);
    return [
      ...new Set([
        ...this.explorer.instancesOf(RocketMQConnection),
        ...servers,
        ...clients.filter(({ isRunning }) => isRunning),
      ]),
    ];
  }
  /** Calls `take` with the connections of the servers there are, and of each that `app.connectMicroservice` adds later. */
  ofServers(take: (connection: RocketMQConnection) => void): Subscription {
    return this.modules.getRpcTargetRegistry<unknown>().subscribe((server) => {
      if (server instanceof ServerRocketMQ) take(server.connection);
    });
  }
}
