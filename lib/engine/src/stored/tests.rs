//! Every form: what is written is read again, any other bytes are an error, and bytes of every version keep their meaning.
