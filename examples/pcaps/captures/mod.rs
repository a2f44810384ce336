//! What each capture holds. A capture is told as a story on a [`Tap`], then written in the format it is to show.

mod files;
mod packets;
mod protocols;
mod shop;
mod tap;
mod tcp;
mod variety;

/// Every capture: file name and bytes.
pub(crate) fn all() -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("arp.pcap", files::pcap(&variety::arp())),
        ("beyond.pcap", files::pcap(&variety::beyond())),
        ("cloud-dns.pcap", files::pcap(&shop::cloud_dns())),
        ("dns.pcap", files::pcap(&shop::dns())),
        ("foreign.pcap", files::pcap(&variety::foreign())),
        ("fragments.pcap", files::pcap(&shop::fragments())),
        ("http-callback.pcap", files::pcap(&shop::http_callback())),
        ("http.pcap", files::pcap(&shop::http())),
        ("http-classic-cooked.pcap", files::cooked(&variety::http_classic(), variety::CLASSIC_CLIENT)),
        ("http-headers-only.pcap", files::cut(&shop::http(), 34)),
        ("http-snaplen-96.pcap", files::cut(&shop::http(), 96)),
        ("mid-stream.pcap", files::pcap(&shop::mid_stream())),
        ("mysql.pcap", files::pcap(&shop::mysql())),
        ("mysql-refused.pcap", files::pcap(&shop::mysql_refused())),
        ("offload.pcap", files::pcap(&shop::offload())),
        ("path-mtu.pcap", files::pcap(&variety::path_mtu())),
        ("ping.pcap", files::pcap(&shop::ping())),
        ("quiet-connection.pcap", files::pcap(&shop::quiet_connection())),
        ("rates.pcap", files::pcap(&variety::rates())),
        ("redis.pcap.gz", files::gzip(&files::pcap(&shop::redis()))),
        ("shop-morning.pcap", files::pcap(&shop::morning())),
        ("strangers.pcap", files::pcap(&variety::strangers())),
        ("twins.pcapng", files::pcapng(&variety::twins(), &variety::TWINS)),
        ("warehouse-poll.pcap", files::pcap(&variety::warehouse_poll())),
    ]
}
