package peer;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerConfig;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** The driver: loads the input, starts and stops the application, measures it from outside, verifies its output. */
public final class Bench {
    static final Map<String, String> O = new LinkedHashMap<>();

    static String opt(String k, String d) { return O.getOrDefault(k, d); }

    static long num(String k, long d) { return O.containsKey(k) ? Long.parseLong(O.get(k).replace("_", "")) : d; }

    static void log(String s) { System.err.println(s); }

    static String bootstrap, workload, input, output, appId;
    static boolean shuffle;
    static long n, keys, seed;
    static double theta;
    static Path state;
    static Admin admin;
    static Wire.Skus skus;
    static int[] counts;
    static long sent, expected;

    public static void main(String[] args) throws Exception {
        for (String a : args) {
            int eq = a.indexOf('=');
            O.put(a.substring(0, eq), a.substring(eq + 1));
        }
        workload = opt("workload", "ledger");
        shuffle = workload.equals("shuffle");
        if (!shuffle && !workload.equals("ledger")) throw new IllegalArgumentException("workload=shuffle|ledger");
        bootstrap = opt("bootstrap", "127.0.0.1:19092");
        input = shuffle ? Wire.IN : Wire.COMMANDS;
        output = shuffle ? Wire.OUT : Wire.EVENTS;
        n = num("n", shuffle ? 500_000 : 1_000_000);
        keys = num("keys", 100_000);
        seed = num("seed", 42);
        theta = Double.parseDouble(opt("theta", "0"));
        state = Path.of(opt("state", "state")).toAbsolutePath();
        skus = new Wire.Skus(seed, keys, theta);
        admin = Admin.create(Map.<String, Object>of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap));
        int runs = (int) num("runs", 1);
        List<Map<String, Object>> all = new ArrayList<>();
        boolean ok = true;
        for (int r = 1; r <= runs; r++) {
            for (Map<String, Object> m : run(r)) {
                all.add(m);
                ok &= !Boolean.FALSE.equals(m.get("ok"));
            }
        }
        if (runs > 1) medians(all);
        admin.close();
        System.exit(ok ? 0 : 1);
    }

    // ------------------------------------------------------------------ one run

    static List<Map<String, Object>> run(int run) throws Exception {
        List<Map<String, Object>> lines = new ArrayList<>();
        List<String> phases = List.of(opt("phases", "drain,warmdrain,restore,latency,verify").split(","));
        appId = workload + "-" + ProcessHandle.current().pid() + "-" + run;
        sent = 0;
        expected = 0;
        counts = new int[(int) keys];
        wipe(state);
        deleteTopics();
        createTopic(input);
        createTopic(output);
        long t = System.nanoTime();
        try (Loader loader = new Loader(true)) {
            while (sent < n) loader.send(Wire.preloadTime(sent));
        }
        log(String.format("loaded %d records in %.1f s", n, (System.nanoTime() - t) / 1e9));
        Thread.sleep(num("settle", 2000));
        Watch watch = new Watch();
        watch.start();
        try {
            if (phases.contains("drain")) {
                App app = new App(opt("drain.commit", null));
                emit(lines, run, drain(watch, app));
                if (phases.contains("warmdrain")) emit(lines, run, warmDrain(watch, app));
                app.stop();
            }
            if (phases.contains("restore")) emit(lines, run, restore(watch, "restore"));
            if (phases.contains("restart")) emit(lines, run, restore(watch, "restart"));
            if (phases.contains("latency")) {
                for (String c : opt("commits", "100,10").split(",")) emit(lines, run, latency(watch, Long.parseLong(c)));
            }
            if (phases.contains("verify")) emit(lines, run, Verify.run());
        } finally {
            watch.stop = true;
            watch.join();
            deleteTopics();
            wipe(state);
        }
        return lines;
    }

    static Map<String, Object> drain(Watch watch, App app) throws Exception {
        Map<String, Object> m = base("drain");
        app.waitFirst();
        Cpu atFirst = new Cpu(app.pid), brokerFirst = new Cpu(brokerPid());
        Cpu atHalf = null;
        long halfMs = 0, halfCount = 0;
        while (watch.seen < expected) {
            app.check();
            if (atHalf == null && app.processed >= n / 2) {
                atHalf = new Cpu(app.pid);
                halfMs = app.processedAt;
                halfCount = app.processed;
            }
            Thread.sleep(1);
        }
        long end = watch.lastSeen;
        Cpu atEnd = new Cpu(app.pid), brokerEnd = new Cpu(brokerPid());
        double secs = (end - app.first) / 1e3, cpu = atEnd.secs - atFirst.secs;
        m.put("records", n);
        m.put("outputs", expected);
        m.put("seconds", round(secs));
        m.put("records_per_s", Math.round(n / secs));
        m.put("cpu_s", round(cpu));
        m.put("records_per_cpu_s", Math.round(n / cpu));
        m.put("cpu_s_with_start", round(atEnd.secs));
        m.put("records_per_cpu_s_with_start", Math.round(n / atEnd.secs));
        m.put("start_to_first_s", round((app.first - app.launched) / 1e3));
        if (atHalf != null && halfCount < n) {
            m.put("second_half_records_per_s", Math.round((n - halfCount) / ((end - halfMs) / 1e3)));
            m.put("second_half_records_per_cpu_s", Math.round((n - halfCount) / (atEnd.secs - atHalf.secs)));
        }
        m.put("broker_cpu_s", round(brokerEnd.secs - brokerFirst.secs));
        m.put("peak_rss_mb", app.hwm());
        m.put("threads_cpu_s", app.threads());
        m.put("ok", watch.seen == expected);
        return m;
    }

    /** The same drain again by the process that has just drained: it is stopped (SIGSTOP) while the input is loaded. */
    static Map<String, Object> warmDrain(Watch watch, App app) throws Exception {
        Map<String, Object> m = base("warmdrain");
        Thread.sleep(500);
        Map<String, Object> before = app.threads();
        signal(app.pid, "STOP");
        long outputs = expected;
        try (Loader loader = new Loader(true)) {
            for (long i = 0; i < n; i++) loader.send(Wire.preloadTime(sent));
        } finally {
            Cpu from = new Cpu(app.pid), brokerFrom = new Cpu(brokerPid());
            long t = System.currentTimeMillis();
            signal(app.pid, "CONT");
            while (watch.seen < expected) { app.check(); Thread.sleep(1); }
            double secs = (watch.lastSeen - t) / 1e3, cpu = new Cpu(app.pid).secs - from.secs;
            m.put("records", n);
            m.put("outputs", expected - outputs);
            m.put("seconds", round(secs));
            m.put("records_per_s", Math.round(n / secs));
            m.put("cpu_s", round(cpu));
            m.put("records_per_cpu_s", Math.round(n / cpu));
            m.put("broker_cpu_s", round(new Cpu(brokerPid()).secs - brokerFrom.secs));
            m.put("peak_rss_mb", app.hwm());
        }
        Map<String, Object> spent = new LinkedHashMap<>();
        app.threads().forEach((k, v) -> {
            double d = (Double) v - (Double) before.getOrDefault(k, 0.0);
            if (d >= 0.05) spent.put(k, round(d));
        });
        m.put("threads_cpu_s", spent);
        m.put("ok", watch.seen == expected);
        return m;
    }

    static void signal(long pid, String name) throws Exception {
        new ProcessBuilder("kill", "-" + name, Long.toString(pid)).inheritIO().start().waitFor();
    }

    /** Starts the application anew: without its local state, or (`restart`) with it. */
    static Map<String, Object> restore(Watch watch, String phase) throws Exception {
        if (phase.equals("restore")) wipe(state);
        App app = new App(opt("drain.commit", null));
        final int fresh = 64;
        try (Loader loader = new Loader(false)) {
            for (int i = 0; i < fresh; i++) loader.send(System.currentTimeMillis());
        }
        while (app.running == 0 || app.processed < fresh) {
            app.check();
            Thread.sleep(1);
        }
        watch.await(expected, 60_000);
        Map<String, Object> m = base(phase);
        long total = app.restored.values().stream().mapToLong(a -> a[2]).sum();
        long from = app.restored.values().stream().mapToLong(a -> a[0]).min().orElse(0);
        long to = app.restored.values().stream().mapToLong(a -> a[1]).max().orElse(0);
        long ready = Math.max(app.running, app.processedAt);
        m.put("records_restored", total);
        m.put("launch_to_running_s", round((app.running - app.launched) / 1e3));
        m.put("launch_to_new_records_processed_s", round((ready - app.launched) / 1e3));
        m.put("restore_s", round((to - from) / 1e3));
        m.put("restored_records_per_s", to > from ? Math.round(total / ((to - from) / 1e3)) : 0);
        m.put("cpu_s_with_start", round(new Cpu(app.pid).secs));
        m.put("peak_rss_mb", app.hwm());
        app.stop();
        m.put("ok", watch.seen == expected);
        return m;
    }

    static Map<String, Object> latency(Watch watch, long commitMs) throws Exception {
        App app = new App(Long.toString(commitMs));
        while (app.running == 0) { app.check(); Thread.sleep(5); }
        long rate = num("rate", 2000), secs = num("secs", 60), warm = num("warm", 15);
        Map<String, Object> m = base("latency");
        Cpu from = null, brokerFrom = null;
        long start = System.nanoTime(), startMs = System.currentTimeMillis(), count = rate * (secs + warm);
        long measured = rate * warm;
        long lateMax = 0;
        watch.from = startMs + warm * 1000;
        watch.latencies.clear();
        try (Loader loader = new Loader(false)) {
            for (long i = 0; i < count; i++) {
                long due = i * 1_000_000_000L / rate;
                long wait;
                while ((wait = start + due - System.nanoTime()) > 0) LockSupport.parkNanos(Math.min(wait, 1_000_000));
                if (i >= measured) lateMax = Math.max(lateMax, -wait);
                if (i == measured) { from = new Cpu(app.pid); brokerFrom = new Cpu(brokerPid()); }
                loader.send(startMs + due / 1_000_000);
            }
        }
        app.check();
        Cpu to = new Cpu(app.pid), brokerTo = new Cpu(brokerPid());
        boolean ok = watch.await(expected, 30_000);
        watch.from = Long.MAX_VALUE;
        int[] l = watch.latencies.sorted();
        m.put("commit_interval_ms", commitMs);
        m.put("rate", rate);
        m.put("measured_s", secs);
        m.put("samples", l.length);
        m.put("p50_ms", at(l, 0.5));
        m.put("p99_ms", at(l, 0.99));
        m.put("p999_ms", at(l, 0.999));
        m.put("max_ms", at(l, 1));
        m.put("app_cpu_pct", round(100 * (to.secs - from.secs) / secs));
        m.put("broker_cpu_pct", round(100 * (brokerTo.secs - brokerFrom.secs) / secs));
        m.put("producer_late_max_ms", lateMax / 1_000_000);
        m.put("peak_rss_mb", app.hwm());
        app.stop();
        double commits = app.metrics.getOrDefault("commit-total", 0.0);
        if (commits > 0) {
            m.put("commits", Math.round(commits));
            app.metrics.forEach((k, v) -> {
                if (k.endsWith("-time-ns-total")) m.put(k.replace("-time-ns-total", "_ms_per_commit"), round(v / commits / 1e6));
            });
        }
        m.put("ok", ok);
        return m;
    }

    static int at(int[] l, double q) { return l.length == 0 ? -1 : l[Math.min(l.length - 1, (int) Math.ceil(q * l.length) - 1)]; }

    // ------------------------------------------------------------------ loading

    static final class Loader implements AutoCloseable {
        private final KafkaProducer<byte[], byte[]> producer;
        private volatile Exception failure;

        Loader(boolean bulk) {
            Map<String, Object> p = new HashMap<>();
            p.put(ProducerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
            p.put(ProducerConfig.ENABLE_IDEMPOTENCE_CONFIG, true);
            p.put(ProducerConfig.LINGER_MS_CONFIG, bulk ? 20 : 1);
            p.put(ProducerConfig.BATCH_SIZE_CONFIG, bulk ? 256 << 10 : 64 << 10);
            p.put(ProducerConfig.BUFFER_MEMORY_CONFIG, 128L << 20);
            producer = new KafkaProducer<>(p, new ByteArraySerializer(), new ByteArraySerializer());
            producer.partitionsFor(input);
        }

        void send(long time) {
            long seq = sent++;
            ProducerRecord<byte[], byte[]> r;
            if (shuffle) {
                r = new ProducerRecord<>(input, (int) (seq % Wire.PARTITIONS), time, null,
                    Wire.shuffleRecord(seed, seq, time));
                if (++counts[(int) Wire.ruleOf(seq, keys)] % Wire.EMIT_EVERY == 0) expected++;
            } else {
                r = new ProducerRecord<>(input, null, time, Wire.key(skus.of(seq)), Wire.command(seed, seq, time));
                expected++;
            }
            producer.send(r, (meta, e) -> { if (e != null) failure = e; });
        }

        @Override public void close() {
            producer.flush();
            producer.close();
            if (failure != null) throw new IllegalStateException(failure);
        }
    }

    // ------------------------------------------------------------------ watching the output

    static final class Latencies {
        private int[] a = new int[1 << 16];
        private int size;

        synchronized void add(long v) {
            if (size == a.length) a = Arrays.copyOf(a, size * 2);
            a[size++] = (int) v;
        }

        synchronized void clear() { size = 0; }

        synchronized int[] sorted() {
            int[] r = Arrays.copyOf(a, size);
            Arrays.sort(r);
            return r;
        }
    }

    /** A read_committed consumer of the output: counts, and takes latencies of records whose event time is past `from`. */
    static final class Watch extends Thread {
        volatile long seen, lastSeen, from = Long.MAX_VALUE;
        volatile boolean stop;
        final Latencies latencies = new Latencies();

        @Override public void run() {
            try (KafkaConsumer<byte[], byte[]> c = consumer(true)) {
                List<TopicPartition> parts = partitions(output);
                c.assign(parts);
                c.seekToBeginning(parts);
                int timeAt = shuffle ? 24 : Wire.E_TIME;
                while (!stop) {
                    ConsumerRecords<byte[], byte[]> batch = c.poll(Duration.ofMillis(100));
                    if (batch.isEmpty()) continue;
                    long now = System.currentTimeMillis(), since = from;
                    if (since != Long.MAX_VALUE) {
                        for (ConsumerRecord<byte[], byte[]> r : batch) {
                            long t = Wire.get(r.value(), timeAt);
                            if (t >= since) latencies.add(now - t);
                        }
                    }
                    lastSeen = now;
                    seen += batch.count();
                }
            } catch (Throwable e) {
                e.printStackTrace();
                System.exit(2);
            }
        }

        boolean await(long want, long ms) throws InterruptedException {
            long until = System.currentTimeMillis() + ms;
            while (seen < want && System.currentTimeMillis() < until) Thread.sleep(2);
            if (seen != want) log("outputs seen " + seen + ", wanted " + want);
            return seen == want;
        }
    }

    static KafkaConsumer<byte[], byte[]> consumer(boolean committed) {
        Map<String, Object> p = new HashMap<>();
        p.put(ConsumerConfig.BOOTSTRAP_SERVERS_CONFIG, bootstrap);
        p.put(ConsumerConfig.ISOLATION_LEVEL_CONFIG, committed ? "read_committed" : "read_uncommitted");
        p.put(ConsumerConfig.ENABLE_AUTO_COMMIT_CONFIG, false);
        p.put(ConsumerConfig.MAX_POLL_RECORDS_CONFIG, 10_000);
        p.put(ConsumerConfig.MAX_PARTITION_FETCH_BYTES_CONFIG, 8 << 20);
        return new KafkaConsumer<>(p, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    }

    static List<TopicPartition> partitions(String topic) {
        return Stream.iterate(0, i -> i + 1).limit(Wire.PARTITIONS).map(i -> new TopicPartition(topic, i)).toList();
    }

    // ------------------------------------------------------------------ the application process

    static final class App {
        final Process process;
        final long pid, launched;
        volatile long first, running, processed, processedAt;
        /** per partition: restore start ms, end ms, records */
        final Map<Integer, long[]> restored = new ConcurrentHashMap<>();
        /** what the application says of its commits as it stops */
        final Map<String, Double> metrics = new ConcurrentHashMap<>();
        private final PrintStream stdin;
        private final Thread reader;

        App(String commitMs) throws IOException {
            List<String> cmd = new ArrayList<>();
            String cpu = opt("appcpu", "");
            if (!cpu.isEmpty()) cmd.addAll(List.of("taskset", "-c", cpu));
            cmd.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
            cmd.addAll(List.of(opt("jvm", Tuning.JVM).trim().split("\\s+")));
            cmd.addAll(List.of("-cp", System.getProperty("java.class.path"),
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "peer.App", workload, "keys=" + keys,
                "s.application.id=" + appId, "s.bootstrap.servers=" + bootstrap, "s.state.dir=" + state));
            for (String k : O.keySet()) {
                if (k.startsWith("s.") || k.equals("cache") || k.equals("rocks")) cmd.add(k + "=" + O.get(k));
            }
            if (commitMs != null) cmd.add("s.commit.interval.ms=" + commitMs);
            launched = System.currentTimeMillis();
            process = new ProcessBuilder(cmd).redirectError(ProcessBuilder.Redirect.appendTo(
                new File(opt("applog", "app.log")))).start();
            pid = process.pid();
            stdin = new PrintStream(process.getOutputStream(), true);
            reader = new Thread(this::read);
            reader.setDaemon(true);
            reader.start();
        }

        private void read() {
            try (BufferedReader r = new BufferedReader(new InputStreamReader(process.getInputStream()))) {
                String line;
                while ((line = r.readLine()) != null) {
                    String[] w = line.split(" ");
                    switch (w[0]) {
                        case "P" -> { processedAt = Long.parseLong(w[2]); processed = Long.parseLong(w[1]); }
                        case "M" -> metrics.put(w[1], Double.parseDouble(w[2]));
                        case "FIRST" -> first = Long.parseLong(w[1]);
                        case "STATE" -> { if (w[1].equals("RUNNING")) running = Long.parseLong(w[2]); }
                        case "RESTORE_START" ->
                            restored.computeIfAbsent(Integer.parseInt(w[1]), k -> new long[3])[0] = Long.parseLong(w[2]);
                        case "RESTORE_END" -> {
                            long[] a = restored.computeIfAbsent(Integer.parseInt(w[1]), k -> new long[3]);
                            a[1] = Long.parseLong(w[2]);
                            a[2] = Long.parseLong(w[3]);
                        }
                        default -> { }
                    }
                }
            } catch (IOException e) { /* gone */ }
        }

        void check() {
            if (!process.isAlive()) throw new IllegalStateException("the application died, see its log");
        }

        void waitFirst() throws InterruptedException {
            while (first == 0) { check(); Thread.sleep(1); }
        }

        long hwm() throws IOException {
            for (String l : Files.readAllLines(Path.of("/proc/" + pid + "/status"))) {
                if (l.startsWith("VmHWM:")) return Long.parseLong(l.replaceAll("\\D", "")) / 1024;
            }
            return -1;
        }

        /** CPU seconds by thread name (as the kernel keeps it, digits removed), largest first. */
        Map<String, Object> threads() throws IOException {
            Map<String, Double> by = new TreeMap<>();
            try (Stream<Path> s = Files.list(Path.of("/proc/" + pid + "/task"))) {
                for (Path p : s.toList()) {
                    try {
                        String name = Files.readString(p.resolve("comm")).trim();
                        by.merge(name, Cpu.of(p.resolve("stat")), Double::sum);
                    } catch (IOException e) { /* thread gone */ }
                }
            }
            Map<String, Object> m = new LinkedHashMap<>();
            by.entrySet().stream().sorted(Map.Entry.<String, Double>comparingByValue().reversed()).limit(9)
                .filter(e -> e.getValue() >= 0.05).forEach(e -> m.put(e.getKey(), round(e.getValue())));
            return m;
        }

        void stop() throws Exception {
            stdin.println("stop");
            if (!process.waitFor(60, TimeUnit.SECONDS)) {
                log("the application did not stop; killing it");
                process.destroyForcibly().waitFor();
            }
            reader.join(1000);
        }
    }

    static final class Cpu {
        final double secs;

        Cpu(long pid) throws IOException { secs = pid <= 0 ? Double.NaN : of(Path.of("/proc/" + pid + "/stat")); }

        static double of(Path stat) throws IOException {
            String s = Files.readString(stat);
            String[] f = s.substring(s.lastIndexOf(')') + 2).split(" ");
            return (Long.parseLong(f[11]) + Long.parseLong(f[12])) / 100.0; // USER_HZ is 100 on Linux
        }
    }

    static long brokerPid() { return num("brokerpid", -1); }

    // ------------------------------------------------------------------ topics and files

    static void createTopic(String name) throws Exception {
        admin.createTopics(List.of(new NewTopic(name, Wire.PARTITIONS, (short) 1)
            .configs(Map.of("retention.ms", "-1", "retention.bytes", "-1")))).all().get();
    }

    static void deleteTopics() throws Exception {
        Set<String> mine = admin.listTopics().names().get().stream()
            .filter(t -> t.equals(input) || t.equals(output) || t.startsWith(workload + "-")).collect(Collectors.toSet());
        if (mine.isEmpty()) return;
        admin.deleteTopics(mine).all().get();
        while (admin.listTopics().names().get().stream().anyMatch(mine::contains)) Thread.sleep(50);
        Thread.sleep(500);
    }

    static void wipe(Path dir) throws IOException {
        if (!Files.exists(dir)) return;
        try (Stream<Path> s = Files.walk(dir)) {
            for (Path p : s.sorted(Comparator.reverseOrder()).toList()) Files.delete(p);
        }
    }

    // ------------------------------------------------------------------ reporting

    static double round(double d) { return Double.isNaN(d) ? -1 : Math.round(d * 1000) / 1000.0; }

    static Map<String, Object> base(String phase) {
        Map<String, Object> m = new LinkedHashMap<>();
        m.put("engine", "kafka-streams-4.3.1");
        m.put("workload", workload);
        m.put("phase", phase);
        if (O.containsKey("label")) m.put("label", O.get("label"));
        return m;
    }

    static void emit(List<Map<String, Object>> lines, int run, Map<String, Object> m) {
        m.put("run", run);
        lines.add(m);
        System.out.println(json(m));
        System.out.flush();
    }

    static String json(Object o) {
        if (o instanceof Map<?, ?> m) {
            return m.entrySet().stream().map(e -> "\"" + e.getKey() + "\":" + json(e.getValue()))
                .collect(Collectors.joining(",", "{", "}"));
        }
        return o instanceof String s ? "\"" + s.replace("\\", "\\\\").replace("\"", "\\\"") + "\"" : String.valueOf(o);
    }

    static void medians(List<Map<String, Object>> all) {
        Map<String, List<Map<String, Object>>> groups = new LinkedHashMap<>();
        for (Map<String, Object> m : all) {
            groups.computeIfAbsent(m.get("phase") + "/" + m.get("commit_interval_ms"), k -> new ArrayList<>()).add(m);
        }
        for (List<Map<String, Object>> g : groups.values()) {
            Map<String, Object> out = new LinkedHashMap<>();
            for (String k : g.get(0).keySet()) {
                if (k.equals("run")) continue;
                Object v = g.get(0).get(k);
                if (v instanceof Number) {
                    double[] d = g.stream().filter(m -> m.get(k) instanceof Number)
                        .mapToDouble(m -> ((Number) m.get(k)).doubleValue()).sorted().toArray();
                    double med = d.length % 2 == 1 ? d[d.length / 2] : (d[d.length / 2 - 1] + d[d.length / 2]) / 2;
                    out.put(k, v instanceof Double ? (Object) round(med) : (Object) Math.round(med));
                } else if (v instanceof Boolean) {
                    out.put(k, g.stream().allMatch(m -> Boolean.TRUE.equals(m.get(k))));
                } else if (v instanceof String) {
                    out.put(k, v);
                }
            }
            out.put("median_of", g.size());
            System.out.println(json(out));
        }
    }
}
