// What the agent must not forget: the index of each interface, its engine's name, and how often it began.
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { IndexMemory } from './index-memory.js';

export interface AgentState {
  /** Hexadecimal (RFC 3411 §5: SnmpEngineID); users' keys of managers are bound to it. */
  readonly engineId: string;
  readonly engineBoots: number;
  readonly indexes: IndexMemory;
  /** Names that are remembered when they are gone: bonds and their members. */
  readonly lasting: readonly string[];
}

/** A name for a new engine: format 5 (octets), under the enterprise number that is kept for examples (32473, RFC 5612). */
function newEngineId(): string {
  return `80007ed905${randomBytes(12).toString('hex')}`;
}

/** What the file holds; a new state where there is none; a sentence when it cannot be used. */
export function loadState(path: string): AgentState {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
      return { engineId: newEngineId(), engineBoots: 0, indexes: {}, lasting: [] };
    }
    throw new Error(`${path} cannot be read (${(error as Error).message}); name another file with --state.`, {
      cause: error,
    });
  }
  const state = parseAgentState(text);
  if (state === undefined) {
    throw new Error(
      `${path} is no state of an agent; it says which interface has which index, so mend it, move it away, or name another file with --state.`,
    );
  }
  return state;
}

/** Any text gives an answer. */
export function parseAgentState(text: string): AgentState | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { engineId, engineBoots, indexes, lasting } = value as Partial<Record<keyof AgentState, unknown>>;
  const isState =
    typeof engineId === 'string' &&
    /^(?:[0-9a-f]{2}){5,32}$/.test(engineId) &&
    Number.isSafeInteger(engineBoots) &&
    typeof indexes === 'object' &&
    indexes !== null &&
    Object.values(indexes).every(index => Number.isSafeInteger(index) && index > 0) &&
    Array.isArray(lasting) &&
    lasting.every(name => typeof name === 'string');
  return isState ? (value as AgentState) : undefined;
}

/** Replaces the file whole. */
export function saveState(path: string, state: AgentState): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  writeFileSync(`${path}.new`, `${JSON.stringify(state)}\n`, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}
