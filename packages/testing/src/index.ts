export { type Cluster, type ClusterOptions, startCluster } from './cluster.js';
export { ManualClock } from './manual-clock.js';
export { type PeerConnection, type PeerScript, ScriptedPeer } from './scripted-peer.js';
export { randomSizes, splitChunks } from './split-chunks.js';
export { type ProxyMode, TcpProxy } from './tcp-proxy.js';
export { unique } from './unique.js';
export { type WaitForOptions, waitFor } from './wait-for.js';
