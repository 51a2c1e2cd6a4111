// The icons, drawn here so that none is fetched: 16 px, one stroke.

const PATHS = {
  now: "M8 2.5v5.5l3.5 2M8 14.2A6.2 6.2 0 1 0 8 1.8a6.2 6.2 0 0 0 0 12.4Z",
  slo: "M2 13.5h12M3.5 11l3-4 3 2.5L13 4",
  incident: "M8 2 1.8 13.2h12.4L8 2Zm0 4.6v3.2m0 1.8v.2",
  deploy: "M8 10.5V2.2m0 0L4.8 5.4M8 2.2l3.2 3.2M2.5 10v3.5h11V10",
  services: "M3.4 5.4a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8Zm9.2 0a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8ZM8 14.4a1.9 1.9 0 1 0 0-3.8 1.9 1.9 0 0 0 0 3.8ZM5.3 3.5h5.4M4.4 5.2 7 10.8m4.6-5.6L9 10.8",
  connect: "M6 2v3m4-3v3M4 5h8v3a4 4 0 0 1-8 0V5Zm4 7v2.5",
  search: "M7 12A5 5 0 1 0 7 2a5 5 0 0 0 0 10Zm3.6-1.4L14 14",
  check: "m3 8.5 3.2 3.2L13 4.8",
  cross: "m4 4 8 8m0-8-8 8",
  fire: "M8 1.8c.4 2.6 3.9 3.8 3.9 7.4A3.9 3.9 0 0 1 8 13.4a3.9 3.9 0 0 1-3.9-4.2c0-1.6.8-2.6 1.6-3.4.2 1.2.9 1.7 1.4 1.7C6.700 5.400 7 3.500 8 1.800Z",
  question: "M5.8 6.1A2.3 2.3 0 1 1 8.900 8.200C8.200 8.500 8 8.900 8 9.600m0 2.200v.2M8 14.500a6.500 6.500 0 1 0 0-13 6.500 6.500 0 0 0 0 13Z",
  empty: "M8 14.2A6.2 6.2 0 1 0 8 1.800a6.200 6.200 0 0 0 0 12.400ZM4 12 12 4",
  dot: "M8 10.200a2.200 2.200 0 1 0 0-4.400 2.200 2.200 0 0 0 0 4.400Z",
  copy: "M5.500 5.500v-3h8v8h-3m-8-5h8v8h-8v-8Z",
  sun: "M8 11a3 3 0 1 0 0-6 3 3 0 0 0 0 6Zm0-10v1.500m0 11V15M1 8h1.500m11 0H15M3 3l1.100 1.100m7.800 7.800L13 13M3 13l1.100-1.100m7.800-7.800L13 3",
  moon: "M13.500 9.500A6 6 0 1 1 6.500 2.500a5 5 0 0 0 7 7Z",
  system: "M2 3h12v8H2V3Zm4 11h4M8 11v3",
  rail: "M2 2.500h12v11H2v-11Zm4 0v11",
  pause: "M5.500 3.500v9m5-9v9",
  play: "m5 3 8 5-8 5V3Z",
  keyboard: "M1.500 4h13v8.500h-13V4Zm2.500 2.800h.1m2.500 0h.1m2.500 0h.1m2.500 0h.1M5 10h6",
  person: "M8 7.500a2.700 2.700 0 1 0 0-5.400 2.700 2.700 0 0 0 0 5.400Zm-5.200 6.300c.500-3 2.600-4.300 5.200-4.300s4.700 1.300 5.200 4.300",
  bell: "M4 11V7a4 4 0 1 1 8 0v4l1.200 1.500H2.800L4 11Zm2.700 3h2.600",
  gate: "M2.500 14V4.500h11V14M2.500 8h11M6 4.500V14m4-9.500V14",
  undo: "M5.500 3 2.500 6l3 3M3 6h6.500a3.700 3.700 0 0 1 0 7.400H6",
  note: "M3 2.500h10v11H3v-11Zm2.500 3.500h5m-5 3h5",
} as const;

export type IconName = keyof typeof PATHS;

export function Icon({ name, size = 16 }: { name: IconName; size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 16 16" fill="none" stroke="currentColor" strokeWidth="1.5" strokeLinecap="round" strokeLinejoin="round" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
