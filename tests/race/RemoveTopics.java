import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;

/** Removes the topics of a namespace, and returns when they are gone: `java -cp LIBS RemoveTopics.java BROKERS NAMESPACE`. */
class RemoveTopics {
    public static void main(String[] args) throws Exception {
        String prefix = args[1] + ".";
        try (Admin admin = Admin.create(Map.of("bootstrap.servers", args[0]))) {
            Set<String> names = admin.listTopics().names().get();
            Set<String> ours = names.stream().filter(name -> name.startsWith(prefix)).collect(Collectors.toSet());
            admin.deleteTopics(ours).all().get();
            while (admin.listTopics().names().get().stream().anyMatch(ours::contains)) Thread.sleep(50);
        }
        // The broker removes the files of deleted segments after a moment (log.segment.delete.delay.ms).
        Thread.sleep(2_000);
    }
}
