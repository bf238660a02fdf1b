import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.curator.framework.CuratorFramework;
import org.apache.curator.x.discovery.ServiceDiscovery;
import org.apache.curator.x.discovery.ServiceDiscoveryBuilder;
import org.apache.curator.x.discovery.ServiceInstance;
import org.apache.curator.x.discovery.ServiceProvider;
import org.apache.curator.x.discovery.UriSpec;

/** Curator's service discovery, in which a worker has one instance at most at a time. */
final class Services {
    private static final String SERVICE = "shop";
    private static final int PORT = 8000;
    private static final int SSL_PORT = 8443;

    private final CuratorFramework client;
    private final Map<String, ServiceDiscovery<String>> discoveries = new HashMap<>();
    /** One for each path: it follows the service. */
    private final Map<String, ServiceProvider<String>> providers = new HashMap<>();
    private ServiceDiscovery<String> at;
    private ServiceInstance<String> own;

    Services(CuratorFramework client) {
        this.client = client;
    }

    synchronized void join(String path, String name) throws Exception {
        at = discovery(path);
        own = ServiceInstance.<String>builder()
            .name(SERVICE)
            .id(name)
            .address(name + ".test")
            .port(PORT)
            .sslPort(SSL_PORT)
            .payload("payload-" + name)
            .uriSpec(new UriSpec("{scheme}://{address}:{port}"))
            .build();
        at.registerService(own);
    }

    synchronized void part() throws Exception {
        at.unregisterService(own);
    }

    /** Whoever is there, one word each, in the order of the words. */
    synchronized String look(String path) throws Exception {
        ServiceProvider<String> provider = providers.get(path);
        if (provider == null) {
            provider = discovery(path).serviceProviderBuilder().serviceName(SERVICE).build();
            provider.start();
            providers.put(path, provider);
        }
        Collection<ServiceInstance<String>> all = provider.getAllInstances();
        List<String> words = new ArrayList<>();
        for (ServiceInstance<String> one : all) {
            words.add(String.join("|", one.getId(), one.buildUriSpec(), String.valueOf(one.getSslPort()),
                one.getPayload(), String.valueOf(one.isEnabled())));
        }
        words.sort(null);
        return String.join(" ", words);
    }

    private ServiceDiscovery<String> discovery(String path) throws Exception {
        ServiceDiscovery<String> discovery = discoveries.get(path);
        if (discovery == null) {
            discovery = ServiceDiscoveryBuilder.builder(String.class).client(client).basePath(path).build();
            discovery.start();
            discoveries.put(path, discovery);
        }
        return discovery;
    }
}
