use std::cell::Cell;

use super::*;

/// The local stack's.
const PEM: &str = include_str!("../../../../../../local/emulators/src/cloudfront_key.pem");

/// What `openssl dgst -sha256 -sign cloudfront_key.pem | base64 -w0 | tr '+=/' '-_~'` makes of the policy
/// `{"Statement":[{"Resource":"https://img.example.com/images/5eed/original.jpg","Condition":{"DateLessThan":{"AWS:EpochTime":1767290400}}}]}`.
const SIGNATURE: &str = "qtd6JxFmrUId7tXbJCLGeRRdc4waTmfPB1aV0uZf6YEWA~Z9x4DNS4Ml-cXPlzSS5n9dtxxyWZ~RXe8FTqnCx26CPUnoHFgC5xAo\
    vCWJSXrMdpXLcm9w2gPXrw36fktxwEhKMirwXPyOlfj5SFqVTykn3BCxCuXLIOTti9iPwYqVddJGh39eqIdvZQY5fh42AvoovPqu\
    vwjGXZwEqWjDVmxrdIZkAmmEdrHrYpZ8aSt8x9pLaZ1AJh4eaa8k1rFOqIrxokD5PcU5Tg-fJ2tnFr9kBrbtH5-mHWWykNP9d-XU\
    arRBV-SbY4xrIKI5eehxp9vB~s69so9C45OMGcA17w__";

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

#[test]
fn a_url_is_signed_as_openssl_signs_it() {
    let key = SigningKey::from_pem(PEM).unwrap();
    let url = "https://img.example.com/images/5eed/original.jpg";

    let signed = key.signed_url(url, "KLOCALSTACK", at(1_767_290_400)).unwrap();

    assert_eq!(
        signed,
        format!("{url}?Expires=1767290400&Signature={SIGNATURE}&Key-Pair-Id=KLOCALSTACK&Hash-Algorithm=SHA256")
    );
}

#[test]
fn what_is_no_rsa_key_is_refused() {
    // As OpenSSL made them: a curve's key, and an RSA key that is too short.
    let p256 = "-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguamYgukbuGpd7Pgm
im7eYthZtxPb4UlqI6xe1f3sDTqhRANCAARj2edoERfGGlxpN91XpDPTvLX1Ssto
Hl+x0Rqzl/LruubmGN1KubHRx06ne2XYtCBmRg8WbJPBfSyd+0hRHsrB
-----END PRIVATE KEY-----";
    let short = "-----BEGIN PRIVATE KEY-----
MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAMkSjP/inoDBk4NL
5DYj+SlC/A+CztRo+KR2+xml5+yT08plk55j9EDOjUJmw/tuRuH5KCXz1iUYgQIb
cBd3O16e/Gh+Q15aiyPWMwmueeamlHYYIFpofOrxh1APTp25F5+0MX+TMWGLhJLR
wwE9KTEEzbL76uxGdbTepEMjsPSBAgMBAAECgYBU1Ee6OOCID6LtVJo+ISUgPEtd
O+GIiZTExhGfu3fCPoeurvX9b8v/f2TnK7XpIJg1A8nlYR7qXZEn022R6NKZlFD2
8/G6DDdwwLDZ++yl38vxmFp5JYmqWTgDgbyXw9aAvlajKOSrjEZFHD1Fk682V3xN
LC4/lJHxvbvSKwVT1QJBAOnkPws5ftVb/DO+bGNTwXcksXZ5Z6DNa4sn1ZcyZaPU
p77Q/IDUR78tRTjEU1NKY3XwPNctNzgGevkWvRrJ8bMCQQDcFCQbmaoPS4ihPwuY
4Y6YEslN8Qr7lWN3f6V9C1g8PTtfy6kx8Cy5VYpU2tlY+rfnfE0v1E9816B9EeY6
Kh77AkBFEzaXPwy5QGhUc8mY8BRz9m8+uQ4kzGYVe9c1xxmDb/t2fEwGVCs4R8to
v3qIX7DOFPwy5FSphChvRgrlTXzHAkBZ9a2wzoZSTDjkWKX/7ytfhEZfIsmvfygy
f64AyDNgJFNx3AkkTZ2qgInUF8VCdvHXoNrYUzvOt0F1/mwSmIcjAkEAt1UpLKrR
AAr0sHQP6cikevmq/JrAw70TjIBokRj/cjfrbea9Xeh7ORAtNP0JCxh6FdovEc+P
Zbv3uyHPepDALg==
-----END PRIVATE KEY-----";
    let public = PEM.replace("PRIVATE", "PUBLIC");
    for refused in ["", "a password", p256, short, &public, &PEM[..PEM.len() / 2]] {
        assert!(SigningKey::from_pem(refused).is_none(), "{refused}");
    }
}

/// How often `sign` is called for these objects and ends, in this order.
fn signatures(asked: impl IntoIterator<Item = (String, i64)>) -> usize {
    let signed = Cell::new(0);
    let mut remembered = Signed::default();
    for (object, end) in asked {
        let sign = || {
            signed.set(signed.get() + 1);
            Ok(format!("{object} until {end}"))
        };
        let url = remembered.find_or_insert(&object, at(end), sign).unwrap();
        assert_eq!(url, format!("{object} until {end}"));
    }
    signed.get()
}

#[test]
fn within_a_window_each_url_is_signed_once() {
    let asked = |object: &str, end| (object.to_owned(), end);
    assert_eq!(signatures([asked("a", 10), asked("b", 10), asked("a", 10), asked("b", 10)]), 2);
    assert_eq!(signatures([asked("a", 10), asked("a", 20), asked("a", 20), asked("a", 10)]), 3);
}

#[test]
fn only_so_many_urls_are_remembered() {
    let all = || (0..=MOST_REMEMBERED).map(|number| (number.to_string(), 10));
    assert_eq!(signatures(all().chain([("0".to_owned(), 10)])), MOST_REMEMBERED + 2);
}

#[test]
fn a_failure_to_sign_is_not_remembered() {
    let mut remembered = Signed::default();
    let fails = || Err(Failure::unavailable(OPERATION, "out of order"));
    assert!(remembered.find_or_insert("a", at(10), fails).is_err());
    assert_eq!(remembered.find_or_insert("a", at(10), || Ok("signed".into())), Ok("signed".to_owned()));
}
