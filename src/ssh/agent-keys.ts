import type { BaseAgent, ParsedKey, PublicKeyEntry } from 'ssh2';
import type { Ssh2 } from './load-ssh2.js';

/** Which of an agent's keys are offered: servers allow few attempts (OpenSSH's six), and an agent may have many. */
export interface AgentKeyChoice {
  /** Public keys to offer first, in this order. */
  readonly first: readonly Buffer[];
  /** Whether to offer no others. */
  readonly only: boolean;
}

/** An agent that shows the chosen keys only. */
export function chooseAgentKeys(ssh2: Ssh2, socketPath: string, { first, only }: AgentKeyChoice): BaseAgent<ParsedKey> {
  const agent = ssh2.createAgent(socketPath) as BaseAgent<ParsedKey>;
  const rank = (key: ParsedKey | PublicKeyEntry) => {
    const found = first.findIndex((one) => 'getPublicSSH' in key && one.equals(key.getPublicSSH()));
    return found === -1 ? first.length : found;
  };
  const chosen: Pick<BaseAgent<ParsedKey>, 'getIdentities' | 'sign'> = {
    getIdentities(callback) {
      agent.getIdentities((error, keys = []) => {
        const wanted = only ? keys.filter((key) => rank(key) < first.length) : [...keys];
        callback(
          error,
          wanted.sort((left, right) => rank(left) - rank(right)),
        );
      });
    },
    sign: agent.sign.bind(agent),
  };
  return Object.assign(Object.create(ssh2.BaseAgent.prototype) as BaseAgent<ParsedKey>, chosen);
}
