// How a line leaves changed: another address or gateway, or none any more. Flows with the old address cannot live on. (uplinks)
import { equalValues } from '../base/index.js';
import type { Family, LinePath } from './contract.js';
import { flush } from './moving.js';
import { familyName } from './sentences.js';
import { type Context, type LineState, selectedLine } from './state.js';
import { tell } from './telling.js';
import { rankOf } from './viable.js';

export function changePath(context: Context, line: LineState, family: Family, path: LinePath | null): void {
  const judged = line.families[family];
  const before = judged.path;
  if (equalValues(before, path)) return;
  judged.path = path;
  context.state.isStale = true;
  context.touched.add(judged);
  if (before === null || path === null) return;
  tellChange(context, line, family, before, path);
  judged.gateway = { askedMs: null, answeredMs: null, id: null };
  const selected = selectedLine(context.state, family);
  const hasTarget = selected !== undefined && rankOf(selected.families[family]) !== null;
  if (before.address !== path.address && hasTarget) flush(context, line, judged, 'all', []);
}

function tellChange(
  context: Context,
  line: LineState,
  family: Family,
  before: LinePath,
  path: LinePath,
): void {
  const changes = [
    ...(before.address === path.address ? [] : [`address ${before.address} → ${path.address}`]),
    ...(before.gateway === path.gateway
      ? []
      : [`gateway ${before.gateway ?? 'none'} → ${path.gateway ?? 'none'}`]),
  ];
  if (changes.length === 0) return;
  tell(context, {
    kind: 'gateway-changed',
    level: 'info',
    message: `${context.settings.name}: ${line.settings.name} (${familyName(family)}): ${changes.join(', ')}`,
    line: line.settings.name,
    family,
  });
}
