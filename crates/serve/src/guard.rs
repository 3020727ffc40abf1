//! Who may ask: the name by which we are asked, the page that asks, the token.

use std::hint::black_box;
use std::net::IpAddr;

use axum::http::{HeaderMap, Method, StatusCode, Uri, header};

/// What is let in.
pub(crate) struct Guard {
    /// Whether only this machine can reach us.
    pub(crate) is_local: bool,
    /// What every request must carry.
    pub(crate) token: Option<String>,
}

/// Why a request is turned away.
pub(crate) type Refusal = (StatusCode, &'static str);

impl Guard {
    /// Whether a request may be answered.
    pub(crate) fn admit(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if method != Method::GET {
            return Err((StatusCode::METHOD_NOT_ALLOWED, "this page can be read only"));
        }
        let host = text(headers, header::HOST.as_str()).unwrap_or_default();
        // A name that an attacker points at this machine would let his page read ours (DNS rebinding). Where others may
        // reach us, under names that we do not know, the token stands for it.
        if self.is_local && !is_own_name(host) {
            return Err((
                StatusCode::FORBIDDEN,
                "this server answers to `localhost` and to its address only",
            ));
        }
        if text(headers, "origin").is_some_and(|origin| origin != format!("http://{host}")) {
            return Err((StatusCode::FORBIDDEN, "another page may not read this one"));
        }
        let is_visit = uri.path() == "/" && text(headers, "sec-fetch-mode") == Some("navigate");
        if !is_visit
            && text(headers, "sec-fetch-site").is_some_and(|site| !["same-origin", "none"].contains(&site))
        {
            return Err((StatusCode::FORBIDDEN, "another page may not read this one"));
        }
        match &self.token {
            Some(token) if !given(uri, headers).is_some_and(|t| is_same(t, token)) => Err((
                StatusCode::UNAUTHORIZED,
                "the token is missing or wrong: open the address that stetho printed",
            )),
            _ => Ok(()),
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// Whether a `Host` header names this machine in a way that no name server can change.
fn is_own_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.rsplit_once(':').map_or(host, |(name, _)| name),
    };
    name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

/// The token of a request: `Authorization: Bearer …`, or `?token=…`.
fn given<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let header =
        text(headers, header::AUTHORIZATION.as_str()).and_then(|value| value.strip_prefix("Bearer "));
    let in_query = || uri.query()?.split('&').find_map(|pair| pair.strip_prefix("token="));
    header.or_else(in_query)
}

/// Compares without telling by its time how many characters were right.
fn is_same(given: &str, token: &str) -> bool {
    let differ = given.bytes().zip(token.bytes()).fold(0, |differ, (a, b)| black_box(differ | (a ^ b)));
    given.len() == token.len() && differ == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admit(guard: &Guard, uri: &str, list: &[(&'static str, &str)]) -> Option<u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in list {
            headers.insert(*name, value.parse().unwrap());
        }
        guard.admit(&Method::GET, &uri.parse().unwrap(), &headers).err().map(|(status, _)| status.as_u16())
    }

    #[test]
    fn names_that_a_name_server_could_change_are_refused() {
        let guard = Guard { is_local: true, token: None };
        for host in ["localhost", "localhost:6077", "LOCALHOST:1", "127.0.0.1:80", "[::1]:6077", "127.9.9.9"]
        {
            assert_eq!(admit(&guard, "/", &[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:6077",
            "localhost.evil.example",
            "192.168.0.1",
            "",
            "127.0.0.1.evil:1",
        ] {
            assert_eq!(admit(&guard, "/", &[("host", host)]), Some(403), "{host}");
        }
        assert_eq!(admit(&guard, "/", &[]), Some(403));
    }

    #[test]
    fn other_pages_are_refused_but_may_link_to_ours() {
        let guard = Guard { is_local: true, token: None };
        let host = ("host", "localhost:1");
        assert_eq!(admit(&guard, "/api/page", &[host, ("origin", "http://localhost:1")]), None);
        assert_eq!(admit(&guard, "/api/page", &[host, ("origin", "http://localhost:2")]), Some(403));
        assert_eq!(admit(&guard, "/api/page", &[host, ("origin", "null")]), Some(403));
        assert_eq!(admit(&guard, "/api/page", &[host, ("sec-fetch-site", "cross-site")]), Some(403));
        let visit = [host, ("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")];
        assert_eq!(admit(&guard, "/", &visit), None);
        assert_eq!(admit(&guard, "/api/page", &visit), Some(403));
    }

    #[test]
    fn the_token_may_be_in_the_address_or_in_a_header() {
        let guard = Guard { is_local: false, token: Some("0123456789".into()) };
        let host = ("host", "gpu-server:6077");
        assert_eq!(admit(&guard, "/?token=0123456789", &[host]), None);
        assert_eq!(
            admit(&guard, "/api/page?since=1.2", &[host, ("authorization", "Bearer 0123456789")]),
            None
        );
        for uri in [
            "/",
            "/?token=",
            "/?token=012345678",
            "/?token=0123456788",
            "/?token=01234567890",
            "/?x=0123456789",
        ] {
            assert_eq!(admit(&guard, uri, &[host]), Some(401), "{uri}");
        }
        assert_eq!(
            admit(&guard, "/?token=0123456789", &[host, ("authorization", "Bearer wrong")]),
            Some(401)
        );
    }

    #[test]
    fn only_reading_is_allowed() {
        let guard = Guard { is_local: true, token: None };
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let refused = guard.admit(&method, &"/".parse().unwrap(), &HeaderMap::new());
            assert_eq!(refused.unwrap_err().0, StatusCode::METHOD_NOT_ALLOWED);
        }
    }
}
