/**
 * @file
 * How what a call returned is shown.
 */
#include "show.hpp"

std::string hex(std::string_view bytes) {
    static const char digits[] = "0123456789abcdef";
    std::string text;
    for (unsigned char byte : bytes) {
        text += digits[byte >> 4];
        text += digits[byte & 15];
    }
    return text;
}

std::string joined(const probity_texts &texts) {
    std::string all;
    for (const char *text : texts) all += (all.empty() ? "" : ", ") + std::string(text);
    return all;
}

Show &Show::bytes(std::string_view name, std::string_view value) { return text(name, hex(value)); }

Show &Show::certificate(const probity_certificate &certificate) {
    return text("subject", certificate.subject)
        .text("issuer", certificate.issuer)
        .text("serial", certificate.serial)
        .integer("not-before-unix", certificate.not_before_unix)
        .integer("not-after-unix", certificate.not_after_unix)
        .text("dns-names", joined(certificate.dns_names))
        .text("sha256", certificate.sha256);
}

Show &Show::session(const probity_tls_info &info) {
    text("protocol", info.protocol).text("cipher", info.cipher).optional_text("alpn", info.alpn);
    number("handshake-ms", info.handshake_ms);
    text("verified", info.distrust == nullptr ? "yes" : info.distrust);
    integer("chain", info.chain.size());
    for (std::size_t at = 0; at < info.chain.size(); at++) item(at).certificate(info.chain[at]);
    return *this;
}

Show &Show::fields(std::string_view name, const probity_fields &fields) {
    std::string all;
    for (const probity_field &field : fields)
        all += (all.empty() ? "" : ", ") + std::string(field.name) + ": " + field.value;
    return text(name, all);
}
