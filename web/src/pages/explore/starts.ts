// First queries for the metrics that are there.

export interface Start {
  title: string;
  x: string;
}

const STARTS_MAX = 6;

export function startsOf(names: string[]): Start[] {
  const has = new Set(names);
  const found: Start[] = [];
  const buckets = names.filter((name) => name.endsWith("_seconds_bucket")).slice(0, 2);
  for (const bucket of buckets) {
    const base = bucket.slice(0, -"_bucket".length);
    if (has.has(`${base}_count`)) found.push({ title: `Rate of ${base}`, x: `sum(rate(${base}_count[5m]))` });
    found.push({ title: `95th percentile of ${base}`, x: `histogram_quantile(0.95, sum by (le) (rate(${bucket}[5m])))` });
  }
  if (has.has("up")) found.push({ title: "Targets that are down", x: "up == 0" });
  const total = names.find((name) => name.endsWith("_total") && !name.startsWith("evenkeel_"));
  if (total !== undefined) found.push({ title: `Rate of ${total}`, x: `sum(rate(${total}[5m]))` });
  for (const name of ["process_resident_memory_bytes", "node_load1", "go_goroutines"]) if (has.has(name)) found.push({ title: name, x: name });
  const [first] = names;
  if (found.length === 0 && first !== undefined) found.push({ title: first, x: first });
  found.push({ title: "Series of each metric, now", x: 'topk(10, count by (__name__) ({__name__!=""}))' });
  return found.slice(0, STARTS_MAX);
}
