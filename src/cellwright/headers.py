"""The headers of requests that routers do not pass on."""

TAKEN_OFF = (
    r"^(forwarded|x-forwarded-(?!for$|proto$).*"
    r"|x-real-ip|(x-(cluster-)?|true-|fastly-|cf-connecting-)?(client-)?ip"
    r"|x-original-(url|uri|host|method|forwarded-for)|x-rewrite-url"
    r"|x-(http-)?method(-override)?|proxy|proxy-connection|keep-alive)$"
)
"""The names of headers, in lower case, that routers take off every request: with them apps and
their frameworks can be told another client, host, path or method. A Perl regular expression, as it
stands in their configuration, too."""
