import type { ClientSecurity, EndOptions, ServerSecurity } from './transport.js';

/** How long a closed socket goes on sending what it was given. */
export const LINGER_MS = 1_000;
/** Whoever does not say who they are for this long is hung up on; at most so long is a place taken by garbage. */
const HANDSHAKE_MS = 10_000;
/** Without an acknowledgement from the other machine for this long, a connection is broken (TCP_USER_TIMEOUT, tcp(7)). */
const UNACKNOWLEDGED_MS = 30_000;

/**
 * What sockets at both ends are set to. Names and units: zmq_setsockopt(3), of which zeromq.js has its own spelling.
 *
 * Sends never wait (`sendTimeout` 0) and queues to peers have no limit (`sendHighWaterMark` 0), so that one that is stuck
 * holds up nobody; how much is under way to each is the business of whoever sends.
 */
export function socketOptions({ maxMessageBytes }: EndOptions): {
  readonly sendTimeout: number;
  readonly sendHighWaterMark: number;
  readonly maxMessageSize: number;
  readonly linger: number;
  readonly handshakeInterval: number;
  readonly tcpKeepalive: number;
  readonly tcpKeepaliveIdle: number;
  readonly tcpKeepaliveInterval: number;
  readonly tcpKeepaliveCount: number;
  readonly tcpMaxRetransmitTimeout: number;
} {
  return {
    sendTimeout: 0,
    sendHighWaterMark: 0,
    maxMessageSize: maxMessageBytes,
    linger: LINGER_MS,
    handshakeInterval: HANDSHAKE_MS,
    tcpKeepalive: 1,
    // In seconds: sooner than routers forget idle connections.
    tcpKeepaliveIdle: 60,
    tcpKeepaliveInterval: 10,
    tcpKeepaliveCount: 3,
    tcpMaxRetransmitTimeout: UNACKNOWLEDGED_MS,
  };
}

/** What ZAP asks after; without a domain libzmq would ask nobody and let everybody in (zmq_setsockopt(3)). */
export const ZAP_DOMAIN = 'sluice';

/** CurveZMQ for a listening end. `zapEnforceDomain`: while nobody answers for the allow-list, nobody is let in. */
export function serverCurve({ server }: ServerSecurity): {
  readonly curveServer: boolean;
  readonly curveSecretKey: string;
  readonly zapDomain: string;
  readonly zapEnforceDomain: boolean;
} {
  return { curveServer: true, curveSecretKey: server.secretKey, zapDomain: ZAP_DOMAIN, zapEnforceDomain: true };
}

/** CurveZMQ for a connecting end. */
export function clientCurve({ client, serverKey }: ClientSecurity): {
  readonly curveServerKey: string;
  readonly curvePublicKey: string;
  readonly curveSecretKey: string;
} {
  return { curveServerKey: serverKey, curvePublicKey: client.publicKey, curveSecretKey: client.secretKey };
}
